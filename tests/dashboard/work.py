# SPDX-License-Identifier: Apache-2.0
"""Work for an operator whose dashboard is drawn, so that each panel has something to show.

Called by __main__.py. Apps are created, changed, scaled and deleted; some cannot be ready.
The pauses are there for the graphs: a change is seen when some time without one is around it.
"""

import time
from contextlib import suppress
from functools import partial

from e2e.support import DEMO_IMAGE, Json, Namespace, Refused, app, eventually

PAUSE_SECONDS = 40
WEB = [f"web-{number}" for number in range(1, 7)]
IDLE = [f"idle-{number}" for number in range(1, 41)]
"""Without pods: they are work for the operator, and none for the nodes."""

OVER_LIMIT = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
FAILING: dict[str, tuple[str, Json]] = {
    "no-image": ("ImagePullBackOff", {"image": DEMO_IMAGE.replace("demo", "nowhere")}),
    "unhealthy": (
        "Unhealthy",
        {"readinessProbe": {"httpGet": {"port": 9999}, "periodSeconds": 5}},
    ),
    "no-config": (
        "CreateContainerConfigError",
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
    ),
    "deaf": ("Unreachable", {"ports": [{"port": 80, "targetPort": 9999}]}),
}
"""Apps that are not ready, with the reason."""
STALLED = ["over-quota", "over-quota-too"]


def give_work(namespace: Namespace) -> None:
    """All of it, in some five minutes; the last state has apps of every kind."""
    time.sleep(PAUSE_SECONDS / 2)
    namespace.apply(*(app(name, replicas=0) for name in IDLE), *map(app, WEB))
    for name in WEB:
        namespace.wait_ready(name)
    time.sleep(PAUSE_SECONDS)

    with suppress(Refused):
        namespace.apply(app("refused", replicas=0, resources=OVER_LIMIT))
    namespace.apply(*(app(name, **spec) for name, (_, spec) in FAILING.items()))
    for name, (reason, _) in FAILING.items():
        eventually(partial(_has_reason, namespace, name, reason))
    time.sleep(PAUSE_SECONDS)

    changed = [{"name": "GREETING", "value": "changed"}]
    namespace.apply(
        *(app(name, replicas=0, env=changed) for name in IDLE),
        *(app(name, env=changed) for name in WEB),
    )
    time.sleep(PAUSE_SECONDS)

    namespace.kubectl("scale", "--replicas=2", *(f"xapp/{name}" for name in WEB))
    namespace.kubectl("create", "quota", "full", "--hard=count/services=0")
    eventually(partial(_quota_is_known, namespace))
    namespace.apply(*(app(name, replicas=0) for name in STALLED))
    for name in STALLED:
        eventually(partial(_has_reason, namespace, name, "QuotaExceeded"))
    time.sleep(PAUSE_SECONDS)

    namespace.kubectl("delete", "xapp", *IDLE[20:])
    namespace.kubectl("create", "configmap", "nowhere")
    namespace.wait_ready("no-config")
    time.sleep(PAUSE_SECONDS)


def _has_reason(namespace: Namespace, name: str, reason: str) -> None:
    ready = namespace.ready(name)
    assert ready.get("reason") == reason, ready


def _quota_is_known(namespace: Namespace) -> None:
    assert namespace.get("resourcequota", "full")["status"]["hard"] == {"count/services": "0"}
