"""Pure: what an app's status says to a person: is it ready, and how does one get in."""

from dataclasses import dataclass

from exposedapp.api.conditions import ConditionType, find_condition
from exposedapp.api.meta import Json

FIELDS = ("url", "urls", "clusterURL", "proxyPath", "clusterIPs", "loadBalancer", "ports")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition Ready, as far as it is about the present spec."""

    ready: bool
    stalled: bool
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def verdict(app: Json) -> Verdict:
    """Whether the app is ready now."""
    generation = app["metadata"]["generation"]
    status = app.get("status") or {}
    current = [
        condition
        for condition in status.get("conditions") or ()
        if condition.get("observedGeneration") == generation
    ]
    ready = find_condition(current, ConditionType.READY)
    if status.get("observedGeneration") != generation or ready is None:
        return Verdict(False, False, "NotObserved", "The operator has not answered yet.")
    stalled = find_condition(current, ConditionType.STALLED)
    return Verdict(
        ready=ready["status"] == "True",
        stalled=stalled is not None and stalled["status"] == "True",
        reason=ready["reason"],
        message=ready["message"],
    )


def ways(app: Json) -> Json:
    """Every way in, as the status has it."""
    status = app.get("status") or {}
    return {field: status[field] for field in FIELDS if status.get(field)}


def rows(found: Json) -> list[tuple[str, str]]:
    """The same as (kind, text), one for each address or port."""
    lines = []
    if "url" in found:
        lines.append(("url", found["url"]))
    lines += [("urls", it) for it in found.get("urls", ())]
    lines += [(key, found[key]) for key in ("clusterURL", "proxyPath") if key in found]
    lines += [("clusterIP", it) for it in found.get("clusterIPs", ())]
    for it in (found.get("loadBalancer") or {}).get("ingress") or ():
        lines.append(("loadBalancer", it.get("ip") or it.get("hostname") or ""))
    return lines + [("port", port_words(it)) for it in found.get("ports", ())]


def port_words(port: Json) -> str:
    """A port as `80/TCP -> 8080, node port 31764`."""
    text = f"{port['port']}/{port.get('protocol', 'TCP')} -> {port.get('targetPort', port['port'])}"
    if port.get("nodePort"):
        text += f", node port {port['nodePort']}"
    return f"{port['name']}: {text}" if port.get("name") else text
