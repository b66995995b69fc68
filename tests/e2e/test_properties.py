# SPDX-License-Identifier: Apache-2.0
"""Whatever the API server accepts as an ExposedApp becomes children that it accepts, too.

The specs are made up by hypothesis, the same ones at every run, and the API server is the real one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pytest_kind import KindCluster

from e2e.support import Api, Json, Namespace, api_server
from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import API_VERSION, KIND, AppRef
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.diff import drift
from exposedapp.desired.errors import SpecError
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import EXPOSED_APPS

KNOWN_ONLY_TO_THE_CLUSTER = (
    "provided port is already allocated",
    "not configured on this cluster",
    "expected an IPv6 value as indicated by `ipFamilies[0]`",  # the address that it has is IPv4
    "Cannot require dual-stack on a cluster which is not configured for dual-stack",
)
"""Why the API server may refuse a child of a spec that it has accepted."""


# --- strategies: the parts ------------------------------------------------------------------------

Anything = st.SearchStrategy[Any]
Notation = Callable[[int], Any]


@st.composite
def objects(draw: st.DrawFn, /, required: dict[str, Anything], **optional: Anything) -> Json:
    """Objects with these fields, each of the optional ones in every second."""
    more = {field: strategy for field, strategy in optional.items() if draw(st.booleans())}
    return {field: draw(strategy) for field, strategy in {**required, **more}.items()}


def lists(items: Anything, *keys: str, least: int = 0) -> st.SearchStrategy[list[Any]]:
    """Short lists, in which no two items have the same value at one of the keys."""

    def distinct(key: str) -> Callable[[Json], Any]:
        return lambda item: item[key]

    unique = tuple(map(distinct, keys)) or None
    return st.lists(items, min_size=least, max_size=3, unique_by=unique)


def names(regex: str) -> st.SearchStrategy[str]:
    return st.from_regex(regex, fullmatch=True)


TEXT = st.text(max_size=8)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="="))
SECONDS = st.integers(1, 2**31 - 1)
NUMBERS = st.integers(1, 65535)
PORT_NAMES = names("[a-z]([a-z0-9]|-[a-z0-9]){0,5}")
OBJECT_NAMES = names(r"[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?(\.[a-z0-9]{1,3})?")
KEYS = names("[A-Za-z0-9_-][A-Za-z0-9._-]{0,9}")
LABEL_KEYS = names(
    r"([a-z0-9]{1,5}(\.[a-z0-9]{1,3})?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,9}[A-Za-z0-9])?"
)
LABEL_VALUES = names("([A-Za-z0-9]([A-Za-z0-9_.-]{0,9}[A-Za-z0-9])?)?")
LABELS = st.dictionaries(LABEL_KEYS, LABEL_VALUES, min_size=1, max_size=3)
ANNOTATIONS = st.dictionaries(LABEL_KEYS, TEXT, max_size=3)
BY_NAME = "by-name"
"""A container port that a podTemplate may have, and that a targetPort or a probe may mean."""

CPU: tuple[Notation, ...] = (
    lambda milli: f"{milli}m",
    lambda milli: f"+{milli}.0m",
    lambda milli: f"00{milli}000u",
    lambda milli: f"{milli}e-3",
    lambda milli: f"{milli * 10**6}E-9",
    lambda milli: f"{Decimal(milli) / 1000:f}",
    lambda milli: f"{Decimal(milli) / 10**6:f}k",
    lambda milli: f"{milli}m" if milli % 1000 else milli // 1000,
    lambda milli: f"{milli}m" if milli % 1000 else f"{milli // 1000}.",
    lambda milli: f".{milli:03}" if milli < 1000 else f"{milli}m",
)
MEMORY: tuple[Notation, ...] = (
    lambda mebi: f"{mebi}Mi",
    lambda mebi: f"{mebi}.Mi",
    lambda mebi: f"{mebi * 1024}Ki",
    lambda mebi: f"{Decimal(mebi) / 1024:f}Gi",
    lambda mebi: f"{mebi * 2**20}000m",
    lambda mebi: f"{mebi * 2**20}e0",
    lambda mebi: f"{Decimal(mebi * 2**20) / 10**6:f}M",
    lambda mebi: mebi * 2**20,
)
DEVICES: tuple[Notation, ...] = (int, str, "{}000m".format, "{}e0".format)
RESOURCES = {"cpu": CPU, "memory": MEMORY, "ephemeral-storage": MEMORY, "example.com/gpu": DEVICES}


@st.composite
def resources(draw: st.DrawFn) -> Json:
    """Limits, and requests that are not above them; of a device both or the limit alone."""
    amounts_by_field: Json = {"requests": {}, "limits": {}}
    for name in draw(st.lists(st.sampled_from(list(RESOURCES)), unique=True, max_size=3)):
        notation = st.sampled_from(RESOURCES[name])
        request, limit = sorted(draw(st.tuples(st.integers(0, 4000), st.integers(0, 4000))))
        is_device = RESOURCES[name] is DEVICES
        fields = draw(st.sampled_from(["limits", "both"] + ["requests"] * (not is_device)))
        if fields != "requests":
            amounts_by_field["limits"][name] = draw(notation)(limit)
        if fields != "limits":
            amounts_by_field["requests"][name] = draw(notation)(limit if is_device else request)
    return {
        field: amounts
        for field, amounts in amounts_by_field.items()
        if amounts or draw(st.booleans())
    }


PROBE_PORTS = NUMBERS.map(lambda number: number if number % 4 else BY_NAME)
HEADERS = lists(objects({"name": names("[-A-Za-z0-9]{1,9}"), "value": TEXT}))
HANDLERS = st.one_of(
    objects(
        {"port": PROBE_PORTS},
        path=names("/[a-z?=%]{0,5}"),
        host=OBJECT_NAMES,
        scheme=st.sampled_from(["HTTP", "HTTPS"]),
        httpHeaders=HEADERS,
    ).map(lambda handler: {"httpGet": handler}),
    objects({"port": PROBE_PORTS}, host=TEXT).map(lambda handler: {"tcpSocket": handler}),
    objects({"port": NUMBERS}, service=TEXT).map(lambda handler: {"grpc": handler}),
    lists(TEXT, least=1).map(lambda handler: {"exec": {"command": handler}}),
)
TIMES = {"timeoutSeconds": SECONDS, "periodSeconds": SECONDS, "failureThreshold": SECONDS}


def probes(**more: Anything) -> st.SearchStrategy[Json]:
    numbers = objects({}, initialDelaySeconds=st.just(0) | SECONDS, **TIMES, **more)
    return st.builds(lambda handler, times: {**handler, **times}, HANDLERS, numbers)


def key_selectors(what: str) -> st.SearchStrategy[Json]:
    selectors = objects({"name": OBJECT_NAMES, "key": KEYS}, optional=st.booleans())
    return selectors.map(lambda selector: {what: selector})


FIELD_PATHS = [
    *("metadata.name", "metadata.namespace", "metadata.labels['a']", "metadata.annotations['b/c']"),
    *("spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.podIP", "status.podIPs"),
]
DIVISORS = {"cpu": ["1", 1, "1m", "0.001", "1000m"], "memory": ["1Mi", "1024Ki", "1M", 1, "0"]}
VALUES_FROM = st.one_of(
    key_selectors("configMapKeyRef"),
    key_selectors("secretKeyRef"),
    objects({"fieldPath": st.sampled_from(FIELD_PATHS)}, apiVersion=st.just("v1")).map(
        lambda reference: {"fieldRef": reference}
    ),
    *(
        objects(
            {"resource": st.sampled_from([f"limits.{kind}", f"requests.{kind}"])},
            divisor=st.sampled_from(divisors),
            containerName=st.just("app"),
        ).map(lambda reference: {"resourceFieldRef": reference})
        for kind, divisors in DIVISORS.items()
    ),
)
ENV_NAMES = PRINTABLE.filter(bool).map(lambda name: name[:256])
ENV = lists(
    objects({"name": ENV_NAMES}, value=TEXT)
    | objects({"name": ENV_NAMES, "valueFrom": VALUES_FROM}, value=st.just("")),
    "name",
)
REFERENCES = objects({"name": OBJECT_NAMES}, optional=st.booleans())
ENV_FROM = lists(
    objects({"configMapRef": REFERENCES}, prefix=PRINTABLE)
    | objects({"secretRef": REFERENCES}, prefix=PRINTABLE)
)


def pod_templates() -> st.SearchStrategy[Json]:
    """What people lay over the generated template: a few fields of each kind."""
    of_app = objects(
        {"name": st.just("app")},
        imagePullPolicy=st.sampled_from(["Always", "Never"]),
        tty=st.booleans(),
        env=st.just([{"name": "MORE", "value": "yes"}, {"name": "A", "$patch": "delete"}]),
        resources=st.just({"limits": None, "requests": None}),
        args=st.none() | st.just([]) | st.just(["x"]),
        ports=st.just([{"containerPort": 65001, "name": BY_NAME, "protocol": "SCTP"}]),
        volumeMounts=st.just([{"name": "data", "mountPath": "/data"}]),
        securityContext=st.just({"readOnlyRootFilesystem": True, "runAsNonRoot": True}),
    )
    sidecar = {"name": "sidecar", "image": "sidecar:1"}
    containers = st.tuples(of_app) | st.tuples(of_app, st.just(sidecar))
    spec = objects(
        {
            "volumes": st.just([{"name": "data", "emptyDir": {"sizeLimit": "1024Mi"}}]),
            "containers": containers.map(list),
        },
        terminationGracePeriodSeconds=st.integers(0, 60),
        nodeSelector=LABELS,
        hostname=st.just("host"),
        imagePullSecrets=lists(objects({"name": OBJECT_NAMES}), "name"),
        tolerations=st.just([{"operator": "Exists"}]),
        securityContext=st.just({"fsGroup": 1}),
        serviceAccountName=OBJECT_NAMES,
    )
    metadata = objects({}, labels=LABELS, annotations=ANNOTATIONS)
    return objects({}, spec=spec, metadata=metadata)


# --- strategies: whole specs ----------------------------------------------------------------------

PORTS = objects(
    {"name": PORT_NAMES, "port": NUMBERS},
    targetPort=NUMBERS.map(lambda number: number if number % 4 else BY_NAME),
    protocol=st.sampled_from(["TCP", "UDP", "SCTP"]),
    appProtocol=st.sampled_from(["https", "grpc", "kubernetes.io/h2c", "example.com/My_own"]),
    scheme=names("[a-z][a-z0-9+.-]{0,5}"),
    path=names("/[!-~]{0,8}"),
)
PORT_LISTS = lists(PORTS, "name", "port", least=1) | PORTS.map(
    lambda port: [{key: value for key, value in port.items() if key != "name"}]
)
POLICIES = st.sampled_from(["Cluster", "Local"])
FAMILIES: list[Json] = [
    {},
    {"ipFamilyPolicy": "SingleStack"},
    {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]},
    {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4"]},
    {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]},
    {"ipFamilies": ["IPv6"]},
]
OF_ANY_SERVICE = {"labels": LABELS, "annotations": ANNOTATIONS}


@st.composite
def with_service(draw: st.DrawFn, spec: st.SearchStrategy[Json]) -> Json:
    """The spec with ports, and a Service in front of pods."""
    kind = draw(st.sampled_from(["NodePort", "LoadBalancer", "ClusterIP", None]))
    more = {} if kind == "ClusterIP" else {"externalTrafficPolicy": POLICIES}
    service = draw(
        objects(
            {"type": st.just(kind)} if kind else {},
            internalTrafficPolicy=POLICIES,
            sessionAffinity=st.sampled_from(["None", "ClientIP"]),
            publishNotReadyAddresses=st.booleans(),
            trafficDistribution=st.just("PreferClose"),
            externalIPs=lists(st.sampled_from(["192.0.2.1", "192.0.2.2"]), least=1),
            **more,
            **OF_ANY_SERVICE,
        )
    )
    ports = draw(PORT_LISTS)
    if kind in ("NodePort", "LoadBalancer") and draw(st.booleans()):
        ports[0]["nodePort"] = draw(st.integers(30050, 30075))
    families = draw(st.sampled_from(FAMILIES)) if draw(st.booleans()) else {}
    return {**draw(spec), "ports": ports, "service": {**service, **families}}


OF_ALL = {
    "replicas": st.integers(0, 2**31 - 1),
    "suspend": st.booleans(),
    "nodes": objects(
        {},
        selector=LABELS,
        addressTypes=st.permutations(["InternalIP", "ExternalIP", "Hostname"]),
        host=names("[a-z]{1,9}[.][a-z]{1,9}"),
        limit=st.integers(1, 64),
    ),
    "probe": objects(
        {},
        enabled=st.booleans(),
        type=st.sampled_from(["tcp", "http"]),
        periodSeconds=st.integers(1, 3600),
        timeoutSeconds=st.integers(1, 10),
        failureThreshold=st.integers(1, 10),
    ),
}
STRATEGIES: list[Json] = [
    {},
    {"type": "Recreate"},
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"}},
    {"rollingUpdate": {"maxUnavailable": 0}},
]
DEPLOYMENTS = objects(
    {},
    strategy=st.sampled_from(STRATEGIES),
    minReadySeconds=st.integers(0, 99),
    progressDeadlineSeconds=st.integers(100, 2**31 - 1),
    revisionHistoryLimit=st.integers(0, 2**31 - 1),
    labels=LABELS,
    annotations=ANNOTATIONS,
)
IMAGE_SPECS = with_service(
    objects(
        {
            "image": st.sampled_from(
                ["demo", "docker.io/library/nginx:1.29", "a@sha256:" + "0" * 64]
            )
        },
        env=ENV,
        envFrom=ENV_FROM,
        command=lists(TEXT),
        args=lists(TEXT),
        resources=resources(),
        readinessProbe=probes(successThreshold=SECONDS),
        livenessProbe=probes(
            successThreshold=st.just(1), terminationGracePeriodSeconds=st.integers(1, 2**63 - 1)
        ),
        podTemplate=pod_templates(),
        deployment=DEPLOYMENTS,
        **OF_ALL,
    )
)
SELECTOR_SPECS = with_service(objects({"selector": LABELS}, **OF_ALL))
ELSEWHERE_SPECS = objects(
    {
        "service": objects(
            {
                "type": st.just("ExternalName"),
                "externalName": names(r"[a-z0-9]{1,9}(\.[a-z0-9]{1,9}){0,3}\.?"),
            },
            **OF_ANY_SERVICE,
        )
    },
    ports=PORT_LISTS,
    **OF_ALL,
)
MODES = [IMAGE_SPECS] * 4 + [SELECTOR_SPECS, ELSEWHERE_SPECS]
SPECS: st.SearchStrategy[Json] = st.sampled_from(MODES).flatmap(lambda mode: mode)
MIXED_SPECS = st.builds(lambda one, other: {**one, **other}, SPECS, SPECS)
"""Many of these break a rule of the CustomResourceDefinition."""


# --- the API server -------------------------------------------------------------------------------


class DryRun(KubeClient):
    """An API server that only says what it would do."""

    async def request(self, method: str, path: str, *args: Any, **kwargs: Any) -> Json:
        path += f"{'&' if '?' in path else '?'}dryRun=All&fieldValidation=Strict"
        return await super().request(method, path, *args, **kwargs)

    async def store(self, namespace: str, name: str, spec: Json) -> Json:
        """The app as it would be stored."""
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}
        path = EXPOSED_APPS.path(namespace)
        return await self.request("POST", path, body, "application/json")


class Server:
    """The API server, for tests that are no coroutines: hypothesis wants them so."""

    def __init__(self, runner: asyncio.Runner, dry: DryRun, real: KubeClient) -> None:
        self.run = runner.run
        self.dry = dry
        self.real = real

    def children(self, app: AppRef, spec: Json) -> list[Json] | str:
        """What the operator makes of a spec, or in a word why it makes nothing."""
        try:
            accepted = self.run(self.dry.store(app.namespace, f"{app.name}-new", spec))
        except ApiError as error:
            note(f"refused: {error}")
            if error.status == 422:
                return "refused"
            raise
        parsed = ExposedAppSpec.model_validate(accepted["spec"])
        try:
            deployment = make_deployment(app, parsed)
        except SpecError as error:
            note(f"reported: {error}")
            return "reported"
        service = make_service(app, parsed, pod_labels(app, parsed, None))
        return [deployment, service] if deployment else [service]

    def apply(self, cluster: KubeClient, child: Json) -> Json | None:
        """The child as it is then; None when only this cluster cannot have it."""
        try:
            return self.run(cluster.apply(child, None))
        except ApiError as error:
            note(f"the {child['kind']} is refused: {error}")
            if any(words in error.message for words in KNOWN_ONLY_TO_THE_CLUSTER):
                return None
            raise


@pytest.fixture
def server(cluster: KindCluster) -> Iterator[Server]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def enter(kind: type[Api]) -> Api:
            return await stack.enter_async_context(api_server(cluster, kind))

        yield Server(runner, runner.run(enter(DryRun)), runner.run(enter(KubeClient)))
        runner.run(stack.aclose())


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# --- properties -----------------------------------------------------------------------------------


def test_children_of_an_accepted_app_are_accepted(server: Server, namespace: Namespace) -> None:
    app = AppRef(namespace.name, "made-up", "5c3ad9e0-0000-4000-8000-000000000000")
    outcomes: Counter[str] = Counter()

    @examples(220)
    @given(SPECS | MIXED_SPECS)
    def check(spec: Json) -> None:
        children = server.children(app, spec)
        if isinstance(children, str):
            outcomes[children] += 1
        elif all(server.apply(server.dry, child) for child in children):
            outcomes["created"] += 1
        else:
            outcomes["only this cluster refuses"] += 1

    check()
    print(outcomes)
    assert outcomes["created"] > outcomes.total() / 2, outcomes
    assert outcomes["reported"] > 0, outcomes
    assert outcomes["refused"] > 0, outcomes


def test_applying_twice_changes_nothing(server: Server, namespace: Namespace) -> None:
    """One name for all, so that the way from each spec to the next is taken, too."""
    # Suspended, so that the operator leaves the children to the test.
    owner = {"image": "none", "ports": [{"port": 80}], "suspend": True}
    namespace.apply(
        {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "steady"}, "spec": owner}
    )
    app = AppRef(namespace.name, "steady", namespace.get("xapp", "steady")["metadata"]["uid"])
    outcomes: Counter[str] = Counter()

    @examples(100)
    @given(SPECS)
    def check(spec: Json) -> None:
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)  # another app of this cluster may have it
        children = server.children(app, {**spec, "replicas": 0})
        for child in () if isinstance(children, str) else children:
            if server.apply(server.real, child):
                assert_settled(server, child)
                outcomes[child["kind"]] += 1

    check()
    print(outcomes)
    assert outcomes["Deployment"] > 30, outcomes
    assert outcomes["Service"] > 60, outcomes


def assert_settled(server: Server, child: Json) -> None:
    """That applying again changes nothing, and that nothing looks different."""
    for _ in range(50):
        before, after = (server.run(server.real.apply(child, None)) for _ in range(2))
        generations = {item["metadata"].get("generation") for item in (before, after)}
        assert len(generations) == 1
        if before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]:
            break
        # Its controller may have written the status in between, which soon comes to an end.
        server.run(asyncio.sleep(0.02))
    else:
        pytest.fail(f"applying the {child['kind']} changes it again and again")
    assert list(drift({part: child[part] for part in ("metadata", "spec")}, after)) == []
