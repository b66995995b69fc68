# SPDX-License-Identifier: Apache-2.0
"""Which of an app's URLs are not probed, and why, in words for conditions. Pure.

Called by reconcile/.
"""

import re
from collections.abc import Collection, Iterable

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.settings import Settings

LOOPBACK_URL = re.compile(r"://(([^/]*[.])?localhost|127[.][0-9.]+|\[::1\]):")


def no_probe_reason(
    spec: ExposedAppSpec | None, service: Json | None, settings: Settings, *, ready: bool
) -> str:
    """Why no URL is probed: what lasts before what passes. `ready`: at least one pod is ready."""
    if service is None:
        return "There is no Service yet."
    host = spec.nodes.host if spec and spec.nodes else None
    ports = service["spec"].get("ports") or ()
    reasons = {
        "The Service has no address outside the cluster.": (
            service["spec"]["type"] not in NODE_PORT_TYPES
            and not service["spec"].get("externalIPs")
        ),
        "Probing is disabled in the operator's configuration (chart value probe.enabled).": (
            not settings.probe
        ),
        "Probing is disabled by spec.probe.enabled.": (
            spec is not None and spec.probe is not None and not spec.probe.enabled
        ),
        "UDP and SCTP ports cannot be probed.": (
            bool(ports) and all(_is_datagram(port) for port in ports)
        ),
        "spec.nodes.host is probed only if the operator's configuration allows it (chart value "
        "probe.hosts).": host is not None and host not in settings.probe_hosts,
        "No pod is ready.": not ready,
    }
    return next(
        (reason for reason, applies in reasons.items() if applies), "There is no node URL to probe."
    )


def not_probed_note(
    service: Json, urls: Iterable[str], preferred: Iterable[str], probed: Collection[str]
) -> str:
    """Which URLs are listed without being probed; "" if there are none.

    A load balancer's or localhost's URL stays the `url`, since a user has declared it the way in,
    but it is not probed.
    """
    status = service.get("status") or {}
    others = [url for url in urls if url not in probed]
    parts = []
    if any(_is_datagram(port) for port in service["spec"].get("ports") or ()):
        parts.append("UDP and SCTP ports")
    if (status.get("loadBalancer") or {}).get("ingress") and others:
        parts.append("load balancer URLs")
    if service["spec"].get("externalIPs"):
        parts.append("external IPs")
    if any(LOOPBACK_URL.search(url) for url in others):
        parts.append("localhost URLs")
    if not parts:
        return ""
    url = "" if all(url in probed for url in preferred) else ", status.url among them"
    return f"Not probed: {' and '.join(parts)}{url}."


def _is_datagram(port: Json) -> bool:
    return bool(port.get("protocol", "TCP") != "TCP")
