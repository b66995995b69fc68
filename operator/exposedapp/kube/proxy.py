# SPDX-License-Identifier: Apache-2.0
"""The proxy that the environment names for a URL. Called once per login."""

import os
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(url: str) -> str | None:
    """The proxy of HTTPS_PROXY or HTTP_PROXY for this URL; None when NO_PROXY excludes its host.

    NO_PROXY may have networks (10.96.0.0/12), as OpenShift and Rancher set them for a cluster's
    Services: Go's clients read these, and Python's do not.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc) or _is_in_excluded_network(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _is_in_excluded_network(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    excluded = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return any(_contains(entry.strip(), address) for entry in excluded.split(","))


def _contains(entry: str, address: object) -> bool:
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
