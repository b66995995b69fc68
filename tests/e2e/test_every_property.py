# SPDX-License-Identifier: Apache-2.0
"""Every property of the spec is changed in an app that runs, and changed back.

The children become what the new spec says, and then again exactly what they were. The list of
properties comes from the CustomResourceDefinition, so that none can be forgotten. The way of Acto
(SOSP 2023, https://github.com/xlab-uiuc/acto).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import (
    DEMO_IMAGE,
    Json,
    Namespace,
    T,
    api_server,
    built_image,
    condition,
    fetch,
)
from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.crd import schema
from exposedapp.api.meta import API_VERSION, KIND, AppRef
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.diff import drift
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError

pytestmark = pytest.mark.shares_cluster

AT_A_TIME = 6
DEADLINE_SECONDS = 60.0

SPEC_SCHEMA = schema()["properties"]["spec"]
SAME_SHAPE = {
    "readinessProbe": "livenessProbe",
    "env[].valueFrom.secretKeyRef": "env[].valueFrom.configMapKeyRef",
    "envFrom[].secretRef": "envFrom[].configMapRef",
}
"""Objects that are changed as a whole, and whose fields one by one in another of the same shape."""


def properties(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """The path of every property without properties of its own, and its schema."""
    if node.get("type") == "array":
        path, inside = f"{path}[]", node["items"]
    else:
        inside = node
    if "properties" not in inside or path in SAME_SHAPE:
        yield path.removesuffix("[]"), node
        return
    for name, property_schema in inside["properties"].items():
        yield from properties(property_schema, f"{path}.{name}".removeprefix("."))


PROPERTIES = dict(properties(SPEC_SCHEMA))


@dataclass(frozen=True)
class Change:
    """What is different from BASE before, and what after; None takes a field of BASE away."""

    after: Json
    before: Json = field(default_factory=dict)
    urls: str = ".*"
    """What the URLs of the status are like after it, as a regular expression of all in a row."""


PORT: Json = {"port": 80, "targetPort": 8080}
HTTP: Json = {"path": "/healthz", "port": 8080}
# An old pod ends at once: no request is sent to it any more.
QUICKLY: list[Json] = [{"name": "DRAIN_SECONDS", "value": "0"}]
SHORT: Json = {"terminationGracePeriodSeconds": 1}
BASE: Json = {
    "image": DEMO_IMAGE,
    "ports": [PORT],
    "env": QUICKLY,
    "readinessProbe": {"httpGet": HTTP, "periodSeconds": 1},
    "podTemplate": {"spec": SHORT},
}

NO_PODS: Json = dict.fromkeys(("image", "env", "readinessProbe", "podTemplate"))
"""What an app without pods of its own must not have."""
ELSEWHERE: Json = {
    **NO_PODS,
    "ports": None,
    "service": {"type": "ExternalName", "externalName": "kubernetes.default.svc.cluster.local"},
}
SELECTING: Json = {**NO_PODS, "selector": {"app": "one"}}

OBJECTS: list[Json] = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "demo", "image": DEMO_IMAGE}]},
            },
        },
    }
    for name in ("one", "two")
] + [
    {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name},
        ("data" if kind == "ConfigMap" else "stringData"): {"A": "1", "B": "2"},
    }
    for kind in ("ConfigMap", "Secret")
    for name in ("one", "two")
]
"""What the apps refer to."""


def port(before: Json, urls: str = ".*", **after: Any) -> Change:
    old = {**PORT, **before}
    return Change(before={"ports": [old]}, after={"ports": [{**old, **after}]}, urls=urls)


def env(before: Json, after: Json) -> Change:
    return Change(before={"env": [*QUICKLY, before]}, after={"env": [*QUICKLY, after]})


def value_from(before: Json, after: Json) -> Change:
    change = env({"name": "A", "valueFrom": before}, {"name": "A", "valueFrom": after})
    known = {
        "requests": {"cpu": "10m", "memory": "8Mi"},
        "limits": {"cpu": "2", "memory": "64Mi"},
    }
    return Change({**change.after, "resources": known}, {**change.before, "resources": known})


def key_of(before: Json, **after: Any) -> Change:
    whole = {"name": "one", "key": "A", **before}
    return value_from({"configMapKeyRef": whole}, {"configMapKeyRef": {**whole, **after}})


def env_from(before: Json, after: Json) -> Change:
    return Change(before={"envFrom": [before]}, after={"envFrom": [after]})


def resources(before: Json, after: Json) -> Change:
    return Change(before={"resources": before}, after={"resources": after})


def claims(before: Json, after: Json) -> Change:
    """No node of the cluster has devices, so the app has no pods."""
    known = [{"name": name, "resourceClaimName": name} for name in ("one", "two")]
    stopped = {"replicas": 0, "podTemplate": {"spec": {**SHORT, "resourceClaims": known}}}
    return Change(
        before={**stopped, "resources": {"claims": [before]}},
        after={**stopped, "resources": {"claims": [after]}},
    )


def probe(kind: str, before: Json, after: Json, **more: Any) -> Change:
    """A liveness probe; those that cannot succeed do not begin while the test lasts."""
    times = {"initialDelaySeconds": 600, **more}
    return Change(
        before={"livenessProbe": {kind: before, **times}},
        after={"livenessProbe": {kind: after, **times}},
    )


def probe_time(**after: int) -> Change:
    handler = {"tcpSocket": {"port": 8080}}
    return Change(before={"livenessProbe": handler}, after={"livenessProbe": {**handler, **after}})


def http(before: Json, **after: Any) -> Change:
    return probe("httpGet", {**HTTP, **before}, {**HTTP, **before, **after})


def service(before: Json | None = None, **after: Any) -> Change:
    return Change(before={"service": before or {}}, after={"service": {**(before or {}), **after}})


def deployment(before: Json, **after: Any) -> Change:
    # Without its fields it is left out: of an empty map that had some, apply makes a null.
    old = {"deployment": before} if before else {}
    return Change(before=old, after={"deployment": {**before, **after}})


def rolling_update(before: Json, **after: Any) -> Change:
    old = {"strategy": {"rollingUpdate": before}} if before else {}
    return deployment(old, strategy={"rollingUpdate": {**before, **after}})


def pod(**fields: Any) -> Json:
    return {"podTemplate": {"spec": {**SHORT, **fields}}}


def nodes(urls: str, **after: Any) -> Change:
    return Change({"nodes": after}, urls=urls)


IP = r"[0-9.]+:[0-9]+"
UNTRIED = {"probe": {"enabled": False}}
NAMED_PORT = pod(containers=[{"name": "app", "ports": [{"containerPort": 8080, "name": "named"}]}])

VALUES: dict[str, Change] = {
    "image": Change({"image": built_image("TAGGED_DEMO_IMAGE")}),
    "selector": Change({**SELECTING, "selector": {"app": "two"}}, SELECTING),
    "replicas": Change({"replicas": 2}),
    "ports[].name": port({"name": "web"}, name="a-name-longer-than-a-container-port-has"),
    "ports[].port": port({}, port=81),
    "ports[].targetPort": Change(
        {**NAMED_PORT, "ports": [{**PORT, "targetPort": "named"}]}, {**NAMED_PORT}
    ),
    "ports[].nodePort": port({"nodePort": 30078}, nodePort=30079),
    "ports[].protocol": port({}, "(udp://[^/]+ ?){3}", protocol="UDP"),
    "ports[].appProtocol": port({}, "(wss://[^/]+ ?){3}", appProtocol="kubernetes.io/wss"),
    "ports[].scheme": port({}, "(redis://[^/]+ ?){3}", scheme="redis"),
    "ports[].path": port({}, "(http://[^/]+/healthz[?]all ?){3}", path="/healthz?all"),
    "env[].name": env({"name": "A", "value": "1"}, {"name": "B", "value": "1"}),
    "env[].value": env({"name": "A", "value": "1"}, {"name": "A", "value": "\N{ROCKET} $(B)\n"}),
    "env[].valueFrom.configMapKeyRef.name": key_of({}, name="two"),
    "env[].valueFrom.configMapKeyRef.key": key_of({}, key="B"),
    "env[].valueFrom.configMapKeyRef.optional": key_of({}, optional=True),
    "env[].valueFrom.secretKeyRef": value_from(
        {"secretKeyRef": {"name": "one", "key": "A"}},
        {"secretKeyRef": {"name": "two", "key": "B", "optional": False}},
    ),
    "env[].valueFrom.fieldRef.apiVersion": value_from(
        {"fieldRef": {"fieldPath": "spec.nodeName"}},
        {"fieldRef": {"fieldPath": "spec.nodeName", "apiVersion": "v1"}},
    ),
    "env[].valueFrom.fieldRef.fieldPath": value_from(
        {"fieldRef": {"fieldPath": "spec.nodeName"}}, {"fieldRef": {"fieldPath": "status.podIP"}}
    ),
    "env[].valueFrom.resourceFieldRef.containerName": value_from(
        {"resourceFieldRef": {"resource": "limits.cpu"}},
        {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "app"}},
    ),
    "env[].valueFrom.resourceFieldRef.resource": value_from(
        {"resourceFieldRef": {"resource": "limits.cpu"}},
        {"resourceFieldRef": {"resource": "requests.memory"}},
    ),
    "env[].valueFrom.resourceFieldRef.divisor": value_from(
        {"resourceFieldRef": {"resource": "limits.memory"}},
        {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1024Ki"}},
    ),
    "envFrom[].prefix": env_from(
        {"configMapRef": {"name": "one"}}, {"configMapRef": {"name": "one"}, "prefix": "WITH_"}
    ),
    "envFrom[].configMapRef.name": env_from(
        {"configMapRef": {"name": "one"}}, {"configMapRef": {"name": "two"}}
    ),
    "envFrom[].configMapRef.optional": env_from(
        {"configMapRef": {"name": "none", "optional": True}},
        {"configMapRef": {"name": "none", "optional": False}},
    ),
    "envFrom[].secretRef": env_from(
        {"secretRef": {"name": "one"}}, {"secretRef": {"name": "none", "optional": True}}
    ),
    "command": Change({"command": ["python3", "-u", "/app/server.py"]}),
    "args": Change({"args": ["these", "do nothing"]}, {"args": ["these"]}),
    "resources.requests": resources(
        {"requests": {"cpu": "1m", "memory": "1Mi"}}, {"requests": {"cpu": "2000u"}}
    ),
    "resources.limits": resources(
        {"limits": {"cpu": 1}}, {"limits": {"cpu": "15e-1", "memory": ".25Gi"}}
    ),
    "resources.claims[].name": claims({"name": "one"}, {"name": "two"}),
    "resources.claims[].request": claims({"name": "one"}, {"name": "one", "request": "first"}),
    "readinessProbe": Change(
        {
            "readinessProbe": {
                "exec": {"command": ["true"]},
                "successThreshold": 2,
                "periodSeconds": 1,
            }
        }
    ),
    "livenessProbe.httpGet.path": http({}, path="/healthz?live"),
    "livenessProbe.httpGet.port": Change(
        {**NAMED_PORT, "livenessProbe": {"httpGet": {**HTTP, "port": "named"}}},
        {**NAMED_PORT, "livenessProbe": {"httpGet": HTTP}},
    ),
    "livenessProbe.httpGet.host": http({}, host="example.com"),
    "livenessProbe.httpGet.scheme": http({}, scheme="HTTPS"),
    "livenessProbe.httpGet.httpHeaders[].name": http(
        {"httpHeaders": [{"name": "X-One", "value": "1"}]},
        httpHeaders=[{"name": "X-Two", "value": "1"}],
    ),
    "livenessProbe.httpGet.httpHeaders[].value": http(
        {"httpHeaders": [{"name": "X-One", "value": "1"}]},
        httpHeaders=[{"name": "X-One", "value": ""}],
    ),
    "livenessProbe.tcpSocket.port": probe("tcpSocket", {"port": 8080}, {"port": 8081}),
    "livenessProbe.tcpSocket.host": probe(
        "tcpSocket", {"port": 8080}, {"port": 8080, "host": "example.com"}
    ),
    "livenessProbe.grpc.port": probe("grpc", {"port": 8080}, {"port": 8081}),
    "livenessProbe.grpc.service": probe("grpc", {"port": 8080}, {"port": 8080, "service": "live"}),
    "livenessProbe.exec.command": probe(
        "exec", {"command": ["true"]}, {"command": ["python3", "-c", "pass"]}, initialDelaySeconds=0
    ),
    "livenessProbe.initialDelaySeconds": probe_time(initialDelaySeconds=5),
    "livenessProbe.timeoutSeconds": probe_time(timeoutSeconds=5),
    "livenessProbe.periodSeconds": probe_time(periodSeconds=5),
    "livenessProbe.successThreshold": probe_time(successThreshold=1),  # it may be no other
    "livenessProbe.failureThreshold": probe_time(failureThreshold=5),
    "livenessProbe.terminationGracePeriodSeconds": probe_time(terminationGracePeriodSeconds=5),
    "podTemplate.metadata": Change(
        {
            "podTemplate": {
                "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
                "spec": SHORT,
            }
        }
    ),
    "podTemplate.spec": Change(
        pod(
            containers=[
                {"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
                {"name": "beside", "image": DEMO_IMAGE, "env": [{"name": "PORT", "value": "8081"}]},
            ],
            volumes=[{"name": "data", "emptyDir": {"sizeLimit": "1024Ki"}}],
            securityContext={"fsGroup": 1000},
            nodeSelector={"kubernetes.io/os": "linux"},
        )
    ),
    "deployment.strategy.type": Change({"deployment": {"strategy": {"type": "Recreate"}}}),
    "deployment.strategy.rollingUpdate.maxUnavailable": rolling_update({}, maxUnavailable="50%"),
    "deployment.strategy.rollingUpdate.maxSurge": rolling_update({"maxUnavailable": 1}, maxSurge=0),
    "deployment.minReadySeconds": deployment({}, minReadySeconds=1),
    "deployment.progressDeadlineSeconds": deployment({}, progressDeadlineSeconds=90),
    "deployment.revisionHistoryLimit": deployment({}, revisionHistoryLimit=0),
    "deployment.labels": deployment({"labels": {"a": "1", "b": "2"}}, labels={"b": "3", "c": "4"}),
    "deployment.annotations": deployment(
        {"annotations": {"a": "1", "b": "2"}}, annotations={"b": "", "c": "4"}
    ),
    "service.type": service(type="LoadBalancer"),
    "service.externalName": Change(
        {**ELSEWHERE, "service": {"type": "ExternalName", "externalName": "example.com."}},
        ELSEWHERE,
    ),
    "service.externalTrafficPolicy": service(externalTrafficPolicy="Local"),
    "service.internalTrafficPolicy": service(internalTrafficPolicy="Local"),
    "service.sessionAffinity": service(sessionAffinity="ClientIP"),
    "service.sessionAffinityConfig.clientIP.timeoutSeconds": service(
        {"sessionAffinity": "ClientIP"},
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
    ),
    "service.trafficDistribution": service(trafficDistribution="PreferClose"),
    "service.publishNotReadyAddresses": service(publishNotReadyAddresses=True),
    "service.ipFamilyPolicy": service(
        # Left out, it would stay as it was: so does the API server.
        {"ipFamilyPolicy": "SingleStack"},
        ipFamilyPolicy="PreferDualStack",
    ),
    "service.ipFamilies": service(ipFamilies=["IPv4"]),
    "service.loadBalancerClass": service(type="LoadBalancer", loadBalancerClass="example.com/lb"),
    "service.loadBalancerSourceRanges": service(
        {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24", "2001:db8::/32"]},
        loadBalancerSourceRanges=["192.0.2.0/24"],
    ),
    "service.allocateLoadBalancerNodePorts": Change(
        {"service": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}},
        {"service": {"type": "LoadBalancer"}},
        urls="",
    ),
    "service.healthCheckNodePort": service(
        {"type": "LoadBalancer"}, externalTrafficPolicy="Local", healthCheckNodePort=30081
    ),
    "service.externalIPs": service(
        {"externalIPs": ["192.0.2.1", "192.0.2.2"]}, externalIPs=["192.0.2.1"]
    ),
    "service.labels": service({"labels": {"a": "1", "b": "2"}}, labels={"b": "3", "c": "4"}),
    "service.annotations": service(
        {"annotations": {"a": "1", "b": "2"}}, annotations={"b": "", "c": "4"}
    ),
    "nodes.selector": nodes(f"http://{IP}", selector={"node-role.kubernetes.io/control-plane": ""}),
    "nodes.addressTypes": nodes(f"(http://{IP} ?){{3}}", addressTypes=["InternalIP", "Hostname"]),
    "nodes.host": Change(
        {**UNTRIED, "nodes": {"host": "example.com"}}, UNTRIED, urls="http://example.com:[0-9]+"
    ),
    "nodes.limit": nodes(f"(http://{IP} ?){{2}}", limit=2),
    "probe.enabled": Change({"probe": {"enabled": False}}),
    "probe.type": Change({"probe": {"type": "http"}}),
    "probe.periodSeconds": Change({"probe": {"periodSeconds": 5}}),
    "probe.timeoutSeconds": Change({"probe": {"timeoutSeconds": 5}}),
    "probe.failureThreshold": Change({"probe": {"failureThreshold": 5}}),
    "suspend": Change({"suspend": True}),
}
"""For every property a change after which the app is ready all the same."""

MODES: dict[str, Change] = {
    "image to selector": Change(SELECTING),
    "image to externalName": Change(ELSEWHERE),
    "selector to externalName": Change(ELSEWHERE, SELECTING),
    "NodePort to ClusterIP": service(type="ClusterIP"),
    "Local LoadBalancer to NodePort": service(
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}, type="NodePort"
    ),
    "one port to three": Change(
        {
            "ports": [
                {"name": "udp", "protocol": "UDP", **PORT},
                {"name": "web", **PORT},
                {"name": "more", "port": 81, "targetPort": 8080},
            ]
        }
    ),
    "no pods": Change({"replicas": 0}),
}
"""Changes of more than one property."""

NOT_READY = {"envFrom[].configMapRef.optional", "service.allocateLoadBalancerNodePorts"}
"""Changes after which the app cannot be ready: the cluster provides no load balancers."""

TOGETHER = {
    "service.loadBalancerClass": {"service.type"},
    "service.healthCheckNodePort": {"service.externalTrafficPolicy"},
}
"""What changes with a property that cannot change alone. See test_service_fields.py."""


# --- the table ------------------------------------------------------------------------------------


def test_every_property_has_a_change() -> None:
    assert VALUES.keys() == PROPERTIES.keys()


@pytest.mark.parametrize("path", SAME_SHAPE)
def test_same_shape(path: str) -> None:
    assert properties_at(path) == properties_at(SAME_SHAPE[path])


def properties_at(path: str) -> Json:
    node = SPEC_SCHEMA
    for part in path.split("."):
        node = node["properties"][part.removesuffix("[]")]
        node = node["items"] if part.endswith("[]") else node
    inner: Json = node["properties"]
    return inner


@pytest.mark.parametrize("path", VALUES)
def test_the_change_is_of_this_property_alone(path: str) -> None:
    before, after = (whole(item) for item in (VALUES[path].before, VALUES[path].after))
    changed = {path for path in PROPERTIES if values(before, path) != values(after, path)}
    assert changed == {path} | TOGETHER.get(path, set())


def values(node: Any, path: str) -> list[Any]:
    """All values that a spec has at the path of a property."""
    if node is None or not path:
        return [node]
    part, _, remainder = path.partition(".")
    below = node.get(part.removesuffix("[]"))
    items = (below or []) if part.endswith("[]") else [below]
    return [value for item in items for value in values(item, remainder)]


def whole(differences: Json) -> Json:
    return {key: value for key, value in {**BASE, **differences}.items() if value is not None}


# --- the walk -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walk:
    """One app, on its way from one spec to another and back."""

    api: KubeClient
    namespace: str
    name: str

    async def there_and_back(self, change: Change, *, ready: bool) -> None:
        before, after = whole(change.before), whole(change.after)
        await self.give(before)
        at_first = await eventually(self.settled)
        await self.give(after)
        await eventually(lambda: self.settled(ready=ready, urls=change.urls))
        await self.give(before)
        await eventually(lambda: self.is_as(at_first))

    async def is_as(self, at_first: list[Json]) -> None:
        assert await self.settled() == at_first, "something is left behind"

    async def give(self, spec: Json) -> None:
        metadata = {"name": self.name, "namespace": self.namespace}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
        await self.api.apply(body)

    async def settled(self, *, ready: bool = True, urls: str = ".*") -> list[Json]:
        """What the app's children are, once they and the status are as the spec says."""
        app = await self.get(KIND)
        status = app["status"]
        assert status["observedGeneration"] == app["metadata"]["generation"]
        assert condition(status, "Ready")["status"] == str(ready), status["conditions"]
        assert re.fullmatch(urls, " ".join(status.get("urls", ())))
        children = await self.children(app)
        if ready and app["spec"]["replicas"] and status.get("url", "").startswith("http://1"):
            answer = await asyncio.to_thread(fetch, status["url"])
            assert answer == "ok\n" or answer.startswith("hello from")
        return children

    async def children(self, app: Json) -> list[Json]:
        """What the app's children are, once they are as the spec says."""
        spec = ExposedAppSpec.model_validate(app["spec"])
        identity = AppRef(self.namespace, self.name, app["metadata"]["uid"])
        deployment = make_deployment(identity, spec)
        children = [
            await self.child(make_service(identity, spec, pod_labels(identity, spec, None)))
        ]
        if deployment:
            children.append(await self.child(deployment))
        else:
            assert await self.api.get("Deployment", self.namespace, self.name) is None
        return children

    async def child(self, desired: Json) -> Json:
        live = await self.get(desired["kind"])
        parts = ("metadata", "spec")
        assert list(drift({part: desired[part] for part in parts}, live)) == []
        return {part: without_what_is_picked(live[part]) for part in parts}

    async def get(self, kind: str) -> Json:
        body = await self.api.get(kind, self.namespace, self.name)
        assert body is not None, f"there is no {kind}"
        return body


PICKED = {
    *("resourceVersion", "generation", "managedFields", "deployment.kubernetes.io/revision"),
    *("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort"),
    *("uid", "creationTimestamp"),
}
"""What the cluster allocates, and may allocate again."""


def without_what_is_picked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_what_is_picked(item) for key, item in value.items() if key not in PICKED
        }
    if isinstance(value, list):
        return [without_what_is_picked(item) for item in value]
    return value


async def eventually(probe: Callable[[], Awaitable[T]]) -> T:
    end = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while True:
        try:
            return await probe()
        except (AssertionError, KeyError, OSError, ApiError):
            if asyncio.get_running_loop().time() > end:
                raise
        await asyncio.sleep(0.3)


Results = dict[str, BaseException | None]


async def walk_all(namespace: Namespace) -> Results:
    """All walks, some at a time, and what became of each."""
    free = asyncio.Semaphore(AT_A_TIME)
    changes = VALUES | MODES

    async def walk(api: KubeClient, index: int, name: str) -> None:
        async with free:
            app_walk = Walk(api, namespace.name, f"app-{index}")
            await app_walk.there_and_back(changes[name], ready=name not in NOT_READY)
            await api.delete(await app_walk.get(KIND), KIND)

    async with api_server(namespace.cluster, KubeClient) as api:
        walks = (walk(api, index, name) for index, name in enumerate(changes))
        results = await asyncio.gather(*walks, return_exceptions=True)
    return dict(zip(changes, results, strict=True))


@pytest.fixture(scope="module")
def results(cluster: KindCluster, operator: Operator) -> Iterator[Results]:
    with namespace_of(cluster) as namespace:
        namespace.apply(*OBJECTS)
        namespace.kubectl("rollout", "status", "deployment/one", "--timeout=60s")
        namespace.kubectl("rollout", "status", "deployment/two", "--timeout=60s")
        yield asyncio.run(walk_all(namespace))


@pytest.mark.parametrize("name", [*VALUES, *MODES])
def test_there_and_back(results: Results, name: str) -> None:
    if error := results[name]:
        raise error
