"""An API server in memory, as far as the operator can tell it from a real one.

It keeps resourceVersions and uids, applies with one field manager (a field that is applied no more
goes away, an apply that changes nothing keeps the resourceVersion), allocates node ports, adds
defaults, refuses what the real one refuses with the real one's words, and can be told to fail.
"""

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from exposedapp.cluster import ApiError, Cluster
from exposedapp.schema import Json

ObjectKey = tuple[str, str, str]
"""(kind, namespace, name)"""


class FakeCluster(Cluster):
    def __init__(self) -> None:  # without the real one's connection
        self.objects: dict[ObjectKey, Json] = {}
        self.pod_list: list[Json] = []
        self.requests: list[str] = []
        self.writes: list[str] = []
        self.failures: dict[str, list[ApiError]] = defaultdict(list)
        self.normalise: Callable[[Json], None] = lambda _: None
        """What the server does to an object before it stores it."""
        self.before: dict[str, Callable[[], None]] = {}
        """What somebody else does just before a request of this name is answered."""
        self.being_released: set[int] = set()
        """Node ports that no Service has any more, and that are not free yet."""
        self._applied: dict[str, Json] = {}
        self._revision = 0
        self._uids = 0

    def fail(self, request: str, error: ApiError, times: int = 1) -> None:
        """Has the next requests of this name, such as 'apply Service', refused."""
        self.failures[request] += [error] * times

    def put(self, kind: str, body: Json) -> Json:
        """Creates or replaces an object, as somebody else would."""
        meta = body["metadata"]
        key = (kind, meta["namespace"], meta["name"])
        live = self.objects.get(key)
        if "uid" not in meta:
            meta["uid"] = live["metadata"]["uid"] if live else self._new_uid()
        changed = live is None or live.get("spec") != body.get("spec")
        generation = live["metadata"]["generation"] if live else 0
        meta["generation"] = generation + changed
        meta["resourceVersion"] = self._next_revision()
        self.objects[key] = copy.deepcopy(body)
        return body

    def edit(self, kind: str, namespace: str, name: str, change: Callable[[Json], None]) -> None:
        """Changes an object, as somebody else would."""
        body = copy.deepcopy(self.objects[kind, namespace, name])
        change(body)
        self.put(kind, body)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        del self.objects[kind, namespace, name]
        self._next_revision()

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        self._receive(f"get {kind}")
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    async def apply(self, wanted: Json, uid: str | None) -> Json:
        kind, meta = wanted["kind"], wanted["metadata"]
        self._receive(f"apply {kind}", writes=True)
        key = (kind, meta["namespace"], meta["name"])
        live = self.objects.get(key)
        if uid and live is None:
            raise _conflict(kind, meta["name"])
        if uid and live and live["metadata"]["uid"] != uid:
            said = f'metadata.uid: Invalid value: "{uid}": field is immutable'
            raise _invalid(kind, wanted, said)
        before = self._applied.get(live["metadata"]["uid"], {}) if live else {}
        body = _merge(copy.deepcopy(live or {}), before, copy.deepcopy(wanted))
        if kind == "Service":
            self._default_service(body, live)
        else:
            body["spec"].setdefault("revisionHistoryLimit", 10)
        self.normalise(body)
        if body != live:
            self.put(kind, body)
        stored = self.objects[key]
        self._applied[stored["metadata"]["uid"]] = copy.deepcopy(wanted)
        return copy.deepcopy(stored)

    async def patch_status(self, namespace: str, name: str, version: str, changes: Json) -> Json:
        self._receive("patch status", writes=True)
        live = self.objects.get(("ExposedApp", namespace, name))
        if live is None:
            raise ApiError(404, "NotFound", f'exposedapps.exposedapp.dev "{name}" not found')
        if live["metadata"]["resourceVersion"] != version:
            raise _conflict("ExposedApp", name)
        status = {**live.get("status", {}), **copy.deepcopy(changes)}
        status = {field: value for field, value in status.items() if value is not None}
        if status != live.get("status"):
            live["status"] = status
            live["metadata"]["resourceVersion"] = self._next_revision()
        return copy.deepcopy(live)

    async def pods(self, namespace: str, selector: str) -> list[Json]:
        self._receive(f"pods {namespace} {selector}")
        return copy.deepcopy(self.pod_list)

    async def services(self) -> list[Json]:
        self._receive("services")
        return [
            copy.deepcopy(body) for (kind, _, _), body in self.objects.items() if kind == "Service"
        ]

    def _receive(self, name: str, *, writes: bool = False) -> None:
        self.requests.append(name)
        if writes:
            self.writes.append(name)
        if happens := self.before.pop(name, None):
            happens()
        if self.failures[name]:
            raise self.failures[name].pop(0)

    def _default_service(self, body: Json, live: Json | None) -> None:
        spec = body["spec"]
        spec.setdefault("sessionAffinity", "None")
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("clusterIPs", [f"10.96.0.{len(self.objects)}"])
        others = {
            port["nodePort"]
            for (kind, _, _), other in self.objects.items()
            if kind == "Service" and other["metadata"].get("uid") != body["metadata"].get("uid")
            for port in other["spec"]["ports"]
        } | self.being_released
        own: set[tuple[str, int]] = set()
        for index, port in enumerate(spec["ports"]):
            number, place = port.get("nodePort"), f"spec.ports[{index}].nodePort"
            if number in others:
                said = f"Invalid value: {number}: provided port is already allocated"
                raise _invalid("Service", body, f"{place}: {said}")
            if number and (port["protocol"], number) in own:
                raise _invalid("Service", body, f"{place}: Duplicate value: {number}")
            if number:
                own.add((port["protocol"], number))
        # As the registry's patchAllocatedValues: a port without a number keeps that of its name.
        old = {it.get("name"): it["nodePort"] for it in live["spec"]["ports"]} if live else {}
        used = {number for _, number in own} | others
        for port in spec["ports"]:
            if "nodePort" not in port:
                kept = old.get(port.get("name"))
                free = (it for it in range(30000, 32768) if it not in used)
                port["nodePort"] = kept if kept and kept not in used else next(free)
                used.add(port["nodePort"])

    def _next_revision(self) -> str:
        self._revision += 1
        return str(self._revision)

    def _new_uid(self) -> str:
        self._uids += 1
        return f"uid-{self._uids}"


def _merge(live: Any, before: Any, wanted: Any) -> Any:
    """What apply makes of a live value; lists are replaced, for nobody else adds to them here."""
    if not isinstance(wanted, dict) or not isinstance(live, dict):
        return wanted
    before = before if isinstance(before, dict) else {}
    kept = {key: value for key, value in live.items() if key in wanted or key not in before}
    return kept | {
        key: _merge(live.get(key), before.get(key), value) for key, value in wanted.items()
    }


def _conflict(kind: str, name: str) -> ApiError:
    plural = f"{kind.lower()}s"
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {plural} "{name}": the object has been modified',
    )


def _invalid(kind: str, body: Json, message: str) -> ApiError:
    name = body["metadata"]["name"]
    return ApiError(
        422, "Invalid", f'{kind} "{name}" is invalid: {message}', ("FieldValueInvalid",)
    )
