# SPDX-License-Identifier: Apache-2.0
"""Pure: what the API server counted of the requests that it answered.

Who sent a request is not counted. So only those are taken that in a benchmark only the
subject sends: Deployments (their status and scale are written by the deployment controller),
Services (that no controller writes), the status of ExposedApps, and patches of ExposedApps (the
benchmark itself creates and replaces them). What namespaces' deletion sends is kept out by waiting
for it. Events are counted apart, because controllers send some, too. Leases are not counted at all.
"""

import re
from collections import Counter
from collections.abc import Mapping

METRIC = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
VERBS = {"POST", "PUT", "PATCH", "APPLY", "DELETE"}
COUNTED = {"deployments", "services", "exposedapps", "exposedapps/status"}
EVENTS = "events"
OURS = {"POST exposedapps", "PUT exposedapps", "DELETE exposedapps"}
"""What the benchmark itself sends."""


def parse(text: str) -> Counter[str]:
    """Writes so far, per "VERB resource"; one that was refused is called "VERB resource CODE"."""
    counts: Counter[str] = Counter()
    for labels, value in METRIC.findall(text):
        label = dict(LABEL.findall(labels))
        resource = "/".join(filter(None, (label["resource"], label["subresource"])))
        if label["verb"] not in VERBS or resource not in COUNTED | {EVENTS}:
            continue
        key = f"{label['verb']} {resource}"
        if key in OURS:
            continue
        if not label["code"].startswith("2"):
            key += f" {label['code']}"
        counts[key] += int(float(value))
    return counts


def since(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """What was written between two countings."""
    written = {key: count - before.get(key, 0) for key, count in now.items()}
    return {key: count for key, count in sorted(written.items()) if count}


def is_event(key: str) -> bool:
    """Whether a count is one of Events."""
    return key.split()[1] == EVENTS


def total(counts: Mapping[str, int]) -> int:
    """All writes, Events left out."""
    return sum(count for key, count in counts.items() if not is_event(key))


def events(counts: Mapping[str, int]) -> int:
    """The Events, whoever sent them."""
    return sum(count for key, count in counts.items() if is_event(key))
