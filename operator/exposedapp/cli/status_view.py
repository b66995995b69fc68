# SPDX-License-Identifier: Apache-2.0
"""The addresses that an app's status has, as the commands show them. Pure."""

from exposedapp.api.meta import Json

ADDRESS_FIELDS = ("url", "urls", "clusterURL", "proxyPath", "clusterIPs", "loadBalancer", "ports")


def main_url(app: Json) -> str:
    """The URL to open; empty while there is none."""
    return str((app.get("status") or {}).get("url") or "")


def addresses_of(app: Json) -> Json:
    """The fields of the status that say how to reach the app, without the empty ones."""
    status = app.get("status") or {}
    return {field: status[field] for field in ADDRESS_FIELDS if status.get(field)}


def address_rows(addresses: Json) -> list[tuple[str, str]]:
    """The addresses as (field, text), one row for each address or port."""
    rows = []
    if "url" in addresses:
        rows.append(("url", addresses["url"]))
    rows += [("urls", url) for url in addresses.get("urls", ())]
    rows += [(key, addresses[key]) for key in ("clusterURL", "proxyPath") if key in addresses]
    rows += [("clusterIP", ip) for ip in addresses.get("clusterIPs", ())]
    for ingress in (addresses.get("loadBalancer") or {}).get("ingress") or ():
        rows.append(("loadBalancer", ingress.get("ip") or ingress.get("hostname") or ""))
    return rows + [("port", format_port(port)) for port in addresses.get("ports", ())]


def format_port(port: Json) -> str:
    """A port of a Service or a status as `80/TCP -> 8080, node port 31764`."""
    text = f"{port['port']}/{port.get('protocol', 'TCP')} -> {port.get('targetPort', port['port'])}"
    if port.get("nodePort"):
        text += f", node port {port['nodePort']}"
    return f"{port['name']}: {text}" if port.get("name") else text
