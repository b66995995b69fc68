# SPDX-License-Identifier: Apache-2.0
"""An API server in memory that does to the operator what a real one does.

It keeps resourceVersions, uids and managedFields, applies with one field manager (a field that is
no longer applied is removed, fields of other managers stay, an apply that changes nothing keeps the
resourceVersion; a patch of the same manager counts as another's),
allocates node ports, adds defaults, drops fields that a Service of the new type does not have,
refuses what the real one refuses, with the same messages, and what the chart's ClusterRole does not
allow, and fails requests on demand.
"""

import copy
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from typing import Any

from exposedapp.api.meta import Json
from exposedapp.kube.client import PAGE_SIZE
from exposedapp.kube.errors import ApiError
from exposedapp.kube.scope import WHOLE_CLUSTER, Scope
from support import managed_fields
from support.rbac import allowed, needed

ALLOWED = allowed()

ObjectKey = tuple[str, str, str]
"""(kind, namespace, name)"""

NODE_PORT_TYPES = ("NodePort", "LoadBalancer")


class FakeApiServer:
    """The API server and a client of it, as reconcile/interfaces.py has it."""

    def __init__(self) -> None:
        self.objects: dict[ObjectKey, Json] = {}
        self.pod_list: list[Json] = []
        self.event_list: list[Json] = []
        self.requests: list[str] = []
        self.writes: list[str] = []
        self.failures: dict[str, list[ApiError]] = defaultdict(list)
        self.normalise: Callable[[Json], None] = lambda _: None
        """What the server does to an object before it stores it."""
        self.before: dict[str, Callable[[], None]] = {}
        """What another client does just before a request of this name is answered."""
        self.being_released: set[int] = set()
        """Node ports that no Service has any more, and that are not free yet."""
        self._revision = 0
        self._uids = 0

    def fail(self, request: str, error: ApiError, times: int = 1) -> None:
        """Refuses the next `times` requests of this name, such as 'apply Service'."""
        self.failures[request] += [error] * times

    def put(self, kind: str, body: Json) -> Json:
        """Creates or replaces an object, as another client does."""
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
        """Changes an object, as another client does."""
        body = copy.deepcopy(self.objects[kind, namespace, name])
        change(body)
        self.put(kind, body)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """Deletes an object, as another client does."""
        del self.objects[kind, namespace, name]
        self._next_revision()

    async def get(
        self,
        kind: str,
        namespace: str,
        name: str,
    ) -> Json | None:
        self._receive(f"get {kind}")
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    async def create(self, desired: Json) -> Json:
        kind, key = desired["kind"], _object_key(desired)
        self._receive(f"apply {kind}", writes=key not in self.objects)
        if key in self.objects:
            raise _conflict(kind, desired["metadata"]["name"])
        return self._merged(desired, None)

    async def apply(self, desired: Json, uid: str | None = None) -> Json:
        kind, meta = desired["kind"], desired["metadata"]
        self._receive(f"apply {kind}", writes=True)
        live = self.objects.get(_object_key(desired))
        if uid and live is None:
            raise _conflict(kind, meta["name"])
        if uid and live and live["metadata"]["uid"] != uid:
            message = f'metadata.uid: Invalid value: "{uid}": field is immutable'
            raise _invalid(kind, desired, message)
        return self._merged(desired, live)

    def _merged(self, desired: Json, live: Json | None) -> Json:
        entries = _entries(live) if live else []
        if live and not entries:
            fields = managed_fields.fields_of(_managed(live))
            entries = [managed_fields.entry("before-first-apply", "Update", fields)]
        applied = managed_fields.own(entries, "Apply")
        others = managed_fields.of_others(entries)
        body: Json = managed_fields.merged(
            copy.deepcopy(live or {}), copy.deepcopy(desired), applied, others
        )
        fields = managed_fields.fields_of(_managed(desired))
        body["metadata"]["managedFields"] = managed_fields.with_own(entries, "Apply", fields)
        return copy.deepcopy(self._store(desired["kind"], body, live))

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        return self._patch(live, kind, {"spec": changes})

    async def patch_metadata(self, live: Json, kind: str, changes: Json) -> Json:
        return self._patch(live, kind, {"metadata": changes})

    def _patch(self, live: Json, kind: str, changes: Json) -> Json:
        self._receive(f"patch {kind}", writes=True)
        meta = live["metadata"]
        there = self.objects.get((kind, meta["namespace"], meta["name"]))
        if there is None:
            raise _not_found(kind, meta["name"])
        if there["metadata"]["resourceVersion"] != meta["resourceVersion"]:
            raise _conflict(kind, meta["name"])
        body: Json = _patched(copy.deepcopy(there), copy.deepcopy(changes))
        entries = _entries(body)
        fields = managed_fields.union(
            [
                managed_fields.own(entries, "Update"),
                managed_fields.changed_fields(_managed(there), _managed(body)) or {},
            ]
        )
        entries = managed_fields.with_own(entries, "Update", fields)
        body["metadata"]["managedFields"] = [each for each in entries if each]
        return copy.deepcopy(self._store(kind, body, there))

    async def delete(self, live: Json, kind: str) -> None:
        self._receive(f"delete {kind}", writes=True)
        meta = live["metadata"]
        there = self.objects.get((kind, meta["namespace"], meta["name"]))
        if there is None:
            return
        if there["metadata"]["uid"] != meta["uid"]:
            raise _conflict(kind, meta["name"])
        self.remove(kind, meta["namespace"], meta["name"])

    async def patch_status(self, namespace: str, name: str, version: str, changes: Json) -> Json:
        self._receive("patch status", writes=True)
        live = self.objects.get(("ExposedApp", namespace, name))
        if live is None:
            raise _not_found("ExposedApp", name)
        if live["metadata"]["resourceVersion"] != version:
            raise _conflict("ExposedApp", name)
        status = {**live.get("status", {}), **copy.deepcopy(changes)}
        status = {field: value for field, value in status.items() if value is not None}
        if status != live.get("status"):
            live["status"] = status
            live["metadata"]["resourceVersion"] = self._next_revision()
        return {"metadata": copy.deepcopy(live["metadata"])}

    async def pods(self, namespace: str, selector: str) -> AsyncGenerator[list[Json]]:
        for start in range(0, max(len(self.pod_list), 1), PAGE_SIZE):
            self._receive(f"pods {namespace} {selector}")
            yield copy.deepcopy(self.pod_list[start : start + PAGE_SIZE])

    async def events(self, namespace: str, field_selector: str) -> list[Json]:
        self._receive(f"events {namespace} {field_selector}")
        return copy.deepcopy(self.event_list)

    async def services(self, scope: Scope = WHOLE_CLUSTER) -> list[Json]:
        self._receive("services")
        return [
            copy.deepcopy(body)
            for (kind, namespace, _), body in self.objects.items()
            if kind == "Service" and (not scope.is_limited or namespace in scope.namespaces)
        ]

    def _receive(self, name: str, *, writes: bool = False) -> None:
        self.requests.append(name)
        if writes:
            self.writes.append(name)
        if happens := self.before.pop(name, None):
            happens()
        if missing := needed(name) - ALLOWED:
            raise ApiError(403, "Forbidden", f"{name} is forbidden: no right to {missing}")
        if self.failures[name]:
            raise self.failures[name].pop(0)

    def _store(self, kind: str, body: Json, live: Json | None) -> Json:
        """Checks, completes and stores an object; without a change it keeps its resourceVersion."""
        if kind == "Service":
            self._default_service(body, live)
        elif kind == "Deployment":
            body["spec"].setdefault("revisionHistoryLimit", 10)
            _default_strategy(body["spec"])
            _check_deployment(body, live)
        self.normalise(body)
        if body != live:
            self.put(kind, body)
        meta = body["metadata"]
        return self.objects[kind, meta["namespace"], meta["name"]]

    def _default_service(self, body: Json, live: Json | None) -> None:
        spec = body["spec"]
        if live and live["spec"].get("type") != spec["type"]:
            _drop_of_other_types(spec, live["spec"])
        _check_service(body)
        spec.setdefault("sessionAffinity", "None")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
        if spec["type"] == "ExternalName":
            return
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("clusterIPs", [f"10.96.0.{len(self.objects)}"])
        if spec["type"] in NODE_PORT_TYPES:
            spec.setdefault("externalTrafficPolicy", "Cluster")
            self._allocate(body, live)

    def _allocate(self, body: Json, live: Json | None) -> None:
        """Gives every port a node port."""
        spec = body["spec"]
        others = {
            port.get("nodePort")
            for (kind, _, _), other in self.objects.items()
            if kind == "Service" and other["metadata"].get("uid") != body["metadata"].get("uid")
            for port in other["spec"].get("ports") or ()
        } | self.being_released
        own: set[tuple[str, int]] = set()
        for index, port in enumerate(spec["ports"]):
            number, place = port.get("nodePort"), f"spec.ports[{index}].nodePort"
            if number and number in others:
                message = f"Invalid value: {number}: provided port is already allocated"
                raise _invalid("Service", body, f"{place}: {message}")
            if number and (port["protocol"], number) in own:
                raise ApiError(500, "", f"duplicate nodePort: {{{port['protocol']} {number}}}")
            if number:
                own.add((port["protocol"], number))
        # As the registry's patchAllocatedValues: a port without a number keeps that of its name.
        before = live["spec"].get("ports") or [] if live else []
        old = {port.get("name"): port.get("nodePort") for port in before}
        used = {number for _, number in own} | others
        if not spec.get("allocateLoadBalancerNodePorts", True):
            return
        for port in spec["ports"]:
            if "nodePort" not in port:
                kept = old.get(port.get("name"))
                free = (number for number in range(30000, 32768) if number not in used)
                port["nodePort"] = kept if kept and kept not in used else next(free)
                used.add(port["nodePort"])

    def _next_revision(self) -> str:
        self._revision += 1
        return str(self._revision)

    def _new_uid(self) -> str:
        self._uids += 1
        return f"uid-{self._uids}"


def _object_key(body: Json) -> ObjectKey:
    return body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]


def _entries(body: Json) -> managed_fields.Entries:
    entries = body["metadata"].get("managedFields") or []
    return [each for each in entries if each]  # an empty entry removes all


def _managed(body: Json) -> Json:
    """The part of an object whose fields have managers."""
    fields = ("labels", "annotations", "ownerReferences")
    metadata = {name: body["metadata"][name] for name in fields if name in body["metadata"]}
    return {"metadata": metadata, "spec": body.get("spec") or {}}


def _drop_of_other_types(spec: Json, old: Json) -> None:
    """As the registry's dropTypeDependentFields: drops what the old type had and is unchanged."""
    if spec["type"] not in NODE_PORT_TYPES:
        allocated = {port.get("nodePort") for port in old.get("ports") or ()}
        for port in spec.get("ports") or ():
            if port.get("nodePort") in allocated:
                port.pop("nodePort", None)
        if spec.get("externalTrafficPolicy") == old.get("externalTrafficPolicy"):
            spec.pop("externalTrafficPolicy", None)
    field = "allocateLoadBalancerNodePorts"
    if spec["type"] != "LoadBalancer" and spec.get(field) == old.get(field):
        spec.pop(field, None)
    if spec["type"] == "ExternalName":
        for field in ("clusterIPs", "ipFamilies"):
            spec.pop(field, None)


def _default_strategy(spec: Json) -> None:
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        update = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        update.setdefault("maxSurge", "25%")
        update.setdefault("maxUnavailable", "25%")


def _check_service(body: Json) -> None:
    spec = body["spec"]
    ports = spec.get("ports") or []
    external = spec["type"] == "ExternalName"
    if external and not spec.get("externalName"):
        raise _invalid("Service", body, "spec.externalName: Required value")
    if not external and not ports:
        raise _invalid("Service", body, "spec.ports: Required value")
    names = [port.get("name") for port in ports]
    for index, port in enumerate(ports):
        place = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            raise _invalid("Service", body, f"{place}.name: Required value")
        if port.get("name") in names[:index]:
            raise _invalid("Service", body, f"{place}.name: Duplicate value: {port['name']!r}")
        if "nodePort" in port and spec["type"] not in NODE_PORT_TYPES:
            message = f"Forbidden: may not be used when `type` is '{spec['type']}'"
            raise _invalid("Service", body, f"{place}.nodePort: {message}")


def _check_deployment(body: Json, live: Json | None) -> None:
    spec = body["spec"]
    if spec["strategy"]["type"] == "Recreate" and "rollingUpdate" in spec["strategy"]:
        field = "spec.strategy.rollingUpdate"
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        raise _invalid("Deployment", body, f"{field}: {message}")
    if live and live["spec"]["selector"] != spec["selector"]:
        raise _invalid("Deployment", body, "spec.selector: Invalid value: field is immutable")
    if (
        not spec["selector"]["matchLabels"].items()
        <= spec["template"]["metadata"]["labels"].items()
    ):
        message = "spec.template.metadata.labels: Invalid value: `selector` does not match template"
        raise _invalid("Deployment", body, message)


def _patched(live: Any, changes: Any) -> Any:
    """The live value after a merge patch."""
    if not isinstance(changes, dict):
        return changes
    patched = dict(live) if isinstance(live, dict) else {}
    patched |= {key: _patched(patched.get(key), change) for key, change in changes.items()}
    return {key: value for key, value in patched.items() if value is not None}


def _not_found(kind: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{kind.lower()}s "{name}" not found')


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
