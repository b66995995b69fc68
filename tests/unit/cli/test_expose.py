# SPDX-License-Identifier: Apache-2.0
"""`exposedapp expose`: what it writes for what runs, what it sends, and what it refuses."""

import copy
from typing import Any

import pytest
import yaml

from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from support.cli import APPS, HELLO, FakeKube, Run

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
STATEFUL_SETS = "/apis/apps/v1/namespaces/shop/statefulsets"
SERVICES = "/api/v1/namespaces/shop/services"
ALL_SERVICES = "/api/v1/services"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"

CONTAINER: Json = {
    "name": "web",
    "image": "demo:1",
    "imagePullPolicy": "IfNotPresent",
    "env": [{"name": "A", "value": "b"}],
    "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
}

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "uid": "d", "resourceVersion": "5"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {
                "labels": {"app": "web", "tier": "front"},
                "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"},
            },
            "spec": {
                "containers": [CONTAINER],
                "volumes": [{"name": "data", "emptyDir": {}}],
                "restartPolicy": "Always",
                "dnsPolicy": "ClusterFirst",
                "securityContext": {},
                "schedulerName": "default-scheduler",
                "terminationGracePeriodSeconds": 30,
            },
        },
    },
}

SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop", "uid": "s", "resourceVersion": "6"},
    "spec": {
        "type": "NodePort",
        "selector": {"app": "web"},
        "clusterIP": "10.96.0.7",
        "clusterIPs": ["10.96.0.7"],
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "externalTrafficPolicy": "Local",
        "ipFamilyPolicy": "SingleStack",
        "ipFamilies": ["IPv4"],
        "ports": [{"port": 80, "targetPort": "http", "nodePort": 30080, "protocol": "TCP"}],
    },
}

SPEC: Json = {
    "image": "demo:1",
    "replicas": 3,
    "ports": [{"port": 80, "targetPort": "http", "nodePort": 30080}],
    "env": [{"name": "A", "value": "b"}],
    "podTemplate": {
        "metadata": {"labels": {"tier": "front"}},
        "spec": {
            "volumes": [{"name": "data", "emptyDir": {}}],
            "containers": [
                {
                    "name": "web",
                    "ports": [{"containerPort": 8080, "name": "http"}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
        },
    },
    "service": {"externalTrafficPolicy": "Local"},
}


def changed(body: Json, **spec: Any) -> Json:
    """A copy of an object with these fields of its spec."""
    other = copy.deepcopy(body)
    other["spec"] |= spec
    return other


def named(body: Json, name: str, namespace: str = "shop") -> Json:
    """An object under another name."""
    return {**body, "metadata": {"name": name, "namespace": namespace}}


@pytest.fixture
def shop(kube: FakeKube) -> FakeKube:
    """A namespace with a Deployment and its Service, and an app web once that is created."""
    web = {**HELLO, "metadata": {**HELLO["metadata"], "name": "web"}}
    kube.responses |= {
        f"{DEPLOYMENTS}/web": DEPLOYMENT,
        f"{SERVICES}/web": SERVICE,
        SERVICES: {"items": [SERVICE]},
        ALL_SERVICES: ApiError(403, "Forbidden", "services is forbidden"),
        AUTOSCALERS: {"items": []},
        APPS: web,
        f"{APPS}/web": web,
    }
    return kube


def writes(kube: FakeKube) -> list[tuple[str, str]]:
    """The requests that change something."""
    return [
        (method, path.partition("?")[0])
        for method, path, _ in kube.requests
        if method != "GET" and "dryRun=All" not in path
    ]


def test_the_app_has_all_that_the_deployment_and_the_service_have(run: Run, shop: FakeKube) -> None:
    result = run("expose", "deployment/web", "--dry-run")
    assert result.exit_code == 0, result.stderr
    app = yaml.safe_load(result.stdout)
    assert app["metadata"] == {"name": "web", "namespace": "shop"}
    assert app["spec"] == SPEC
    assert writes(shop) == []
    assert not [path for _, path, _ in shop.requests if path.endswith("/services")]


def test_both_are_handed_over_before_the_app_is_created(run: Run, shop: FakeKube) -> None:
    result = run("expose", "deploy/web")
    assert result.exit_code == 0, result.stderr
    assert writes(shop) == [
        ("PATCH", f"{DEPLOYMENTS}/web"),
        ("PATCH", f"{SERVICES}/web"),
        ("POST", APPS),
    ]
    bodies = [body for method, path, body in shop.requests if "dryRun" not in path and body]
    assert bodies[0] == {"metadata": {"annotations": {"exposedapp.dev/adopt": "true"}}}
    assert bodies[-1]["spec"] == SPEC
    assert result.stdout == ("exposedapp/web created in namespace shop\nhttp://10.0.0.1:30008\n")
    assert "takes over deployment/web" in result.stderr
    assert "takes over service/web" in result.stderr


def test_without_the_app_nothing_stays_handed_over(run: Run, shop: FakeKube) -> None:
    shop.responses[APPS] = [HELLO, ApiError(403, "Forbidden", "denied")]
    result = run("expose", "deployment/web")
    assert (result.exit_code, result.stderr) == (4, "Error: denied\n")
    last = [body for method, _, body in shop.requests if method == "PATCH"][-2:]
    assert last == [{"metadata": {"annotations": {"exposedapp.dev/adopt": None}}}] * 2


def test_what_would_restart_pods_is_refused(run: Run, shop: FakeKube) -> None:
    template = copy.deepcopy(DEPLOYMENT["spec"]["template"])
    template["spec"]["containers"][0]["image"] = "other"
    shop.responses[f"{DEPLOYMENTS}/web"] = [DEPLOYMENT, changed(DEPLOYMENT, template=template)]
    result = run("expose", "deployment/web")
    assert result.exit_code == 1
    expected = "would restart its pods: spec.template.spec.containers[0].image"
    assert expected in result.stderr
    assert writes(shop) == []


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ({"clusterIPs": ["10.96.0.8"]}, "address 10.96.0.7"),
        ({"type": "ClusterIP"}, "node port 30080"),
    ],
)
def test_what_would_lose_an_address_is_refused(
    run: Run, shop: FakeKube, after: Json, lost: str
) -> None:
    shop.responses[f"{SERVICES}/web"] = [SERVICE, changed(SERVICE, **after)]
    result = run("expose", "deployment/web")
    assert (result.exit_code, writes(shop)) == (1, [])
    assert result.stderr == f"Error: Service web would lose {lost}\n"


def test_a_load_balancer_stays_one(run: Run, shop: FakeKube) -> None:
    shop.responses[f"{SERVICES}/web"] = changed(SERVICE, type="LoadBalancer")
    app = yaml.safe_load(run("expose", "deployment/web", "--dry-run").stdout)
    assert app["spec"]["service"]["type"] == "LoadBalancer"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"clusterIP": "None"}, "Service web is headless"),
        ({"type": "ExternalName", "externalName": "x.example"}, "Service web is an alias for x.ex"),
    ],
)
def test_a_service_that_no_app_can_have(run: Run, shop: FakeKube, spec: Json, words: str) -> None:
    shop.responses[f"{SERVICES}/web"] = changed(SERVICE, **spec)
    result = run("expose", "deployment/web")
    assert (result.exit_code, writes(shop)) == (1, [])
    assert words in result.stderr


def test_what_a_controller_manages_is_refused(run: Run, shop: FakeKube) -> None:
    owner = {"kind": "Website", "name": "mine", "controller": True}
    metadata = {**DEPLOYMENT["metadata"], "ownerReferences": [owner]}
    shop.responses[f"{DEPLOYMENTS}/web"] = {**DEPLOYMENT, "metadata": metadata}
    result = run("expose", "deployment/web")
    assert (result.exit_code, writes(shop)) == (1, [])
    assert "Deployment web is controlled by Website mine" in result.stderr


def test_a_service_that_selects_other_pods_is_refused(run: Run, shop: FakeKube) -> None:
    shop.responses[f"{SERVICES}/web"] = changed(SERVICE, selector={"tier": "front"})
    pods = [{"items": [{"metadata": {"name": name}}]} for name in ("one", "two")]
    shop.responses["/api/v1/namespaces/shop/pods"] = pods
    result = run("expose", "deployment/web")
    assert (result.exit_code, writes(shop)) == (1, [])
    assert "selects other pods (tier=front) than the app would (app=web)" in result.stderr


@pytest.mark.parametrize(("is_first", "names"), [(True, ["web", "proxy"]), (False, ["web"])])
def test_containers_beside_the_apps(
    run: Run, shop: FakeKube, is_first: bool, names: list[str]
) -> None:
    """Those before it stay the Deployment's: an apply would change the order, and so the pods."""
    proxy = {"name": "proxy", "image": "proxy:1"}
    deployment = copy.deepcopy(DEPLOYMENT)
    containers = [CONTAINER, proxy] if is_first else [proxy, CONTAINER]
    deployment["spec"]["template"]["spec"]["containers"] = containers
    shop.responses[f"{DEPLOYMENTS}/web"] = deployment
    app = yaml.safe_load(run("expose", "deployment/web", "--dry-run").stdout)
    assert app["spec"]["image"] == "demo:1"
    containers = app["spec"]["podTemplate"]["spec"]["containers"]
    assert [container["name"] for container in containers] == names


def test_replicas_are_an_autoscalers(run: Run, shop: FakeKube) -> None:
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    shop.responses[AUTOSCALERS] = {"items": [{"spec": target}]}
    app = yaml.safe_load(run("expose", "deployment/web", "--dry-run").stdout)
    assert "replicas" not in app["spec"]


def test_without_a_service_the_containers_name_the_ports(run: Run, shop: FakeKube) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[SERVICES] = {"items": []}
    app = yaml.safe_load(run("expose", "deployment/web", "--dry-run").stdout)
    assert app["spec"]["ports"] == [{"port": 8080}]
    assert "service" not in app["spec"]


def test_the_ports_of_a_service_of_another_name_without_its_node_ports(
    run: Run, shop: FakeKube
) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[SERVICES] = {"items": [named(SERVICE, "front")]}
    result = run("expose", "deployment/web", "--dry-run")
    app = yaml.safe_load(result.stdout)
    assert app["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    assert "node port 30080 is left out: Service front keeps it" in result.stderr


BALANCED = {
    "type": "LoadBalancer",
    "externalTrafficPolicy": "Local",
    "healthCheckNodePort": 31999,
}


def test_node_ports_of_other_namespaces_where_they_may_be_listed(run: Run, shop: FakeKube) -> None:
    """Of another Service's ports or health checks: the cluster has each number once."""
    del shop.responses[f"{SERVICES}/web"]
    balanced = named(changed(SERVICE, **BALANCED, ports=[]), "balanced", "other")
    shop.responses[ALL_SERVICES] = {"items": [named(SERVICE, "front", "other"), balanced]}
    words = ["--port", "80@30080", "--port", "81@31999", "--port", "82@30082", "--dry-run"]
    result = run("expose", "deployment/web", *words)
    ports = yaml.safe_load(result.stdout)["spec"]["ports"]
    assert [port.get("nodePort") for port in ports] == [None, None, 30082]
    assert result.stderr == (
        "  node port 30080 is left out: Service other/front keeps it\n"
        "  node port 31999 is left out: Service other/balanced keeps it\n"
    )
    assert SERVICES not in [path for _, path, _ in shop.requests]


def test_beside_its_own_service_too(run: Run, shop: FakeKube) -> None:
    """Its own node port is not left out; one that another Service has is."""
    others = named(changed(SERVICE, ports=[{"port": 1, "nodePort": 30090}]), "front", "other")
    shop.responses[ALL_SERVICES] = {"items": [shop.responses[f"{SERVICES}/web"], others]}
    words = ["--port", "80:8080@30080", "--port", "90:8080@30090", "--dry-run"]
    result = run("expose", "deployment/web", *words)
    ports = yaml.safe_load(result.stdout)["spec"]["ports"]
    assert [port.get("nodePort") for port in ports] == [30080, None]
    assert result.stderr == "  node port 30090 is left out: Service other/front keeps it\n"


def test_a_service_of_another_namespace_is_not_the_pods(run: Run, shop: FakeKube) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[ALL_SERVICES] = {"items": [named(SERVICE, "front", "other")]}
    app = yaml.safe_load(run("expose", "deployment/web", "--dry-run").stdout)
    assert app["spec"]["ports"] == [{"port": 8080}]


def test_the_port_for_health_checks_of_a_service_of_another_name(run: Run, shop: FakeKube) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[SERVICES] = {"items": [named(changed(SERVICE, **BALANCED), "front")]}
    result = run("expose", "deployment/web", "--dry-run")
    spec = yaml.safe_load(result.stdout)["spec"]
    assert spec["service"] == {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    assert "node port 31999 is left out: Service front keeps it" in result.stderr


def test_the_port_for_health_checks_of_the_apps_own_service(run: Run, shop: FakeKube) -> None:
    shop.responses[f"{SERVICES}/web"] = changed(SERVICE, **BALANCED)
    spec = yaml.safe_load(run("expose", "deployment/web", "--dry-run").stdout)["spec"]
    assert spec["service"] == BALANCED


@pytest.mark.parametrize("may_list_all", [False, True])
def test_services_are_listed_once(run: Run, shop: FakeKube, may_list_all: bool) -> None:
    del shop.responses[f"{SERVICES}/web"]
    if may_list_all:
        shop.responses[ALL_SERVICES] = {"items": [named(SERVICE, "front")]}
    else:
        shop.responses[SERVICES] = {"items": [named(SERVICE, "front")]}
    result = run("expose", "deployment/web", "--dry-run")
    assert "left out: Service front keeps it" in result.stderr
    paths = [path for _, path, _ in shop.requests if path.endswith("/services")]
    assert paths == ([ALL_SERVICES] if may_list_all else [ALL_SERVICES, SERVICES])


def test_what_fails_otherwise_is_no_missing_right(run: Run, shop: FakeKube) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[ALL_SERVICES] = ApiError(500, "InternalError", "etcd is odd")
    result = run("expose", "deployment/web", "--dry-run")
    assert (result.exit_code, result.stderr) == (4, "Error: etcd is odd\n")


def test_a_node_port_that_is_given_and_free(run: Run, shop: FakeKube) -> None:
    del shop.responses[f"{SERVICES}/web"]
    result = run("expose", "deployment/web", "--port", "90:8080@30090", "--dry-run")
    app = yaml.safe_load(result.stdout)
    assert app["spec"]["ports"] == [{"port": 90, "targetPort": 8080, "nodePort": 30090}]
    assert "left out" not in result.stderr


def test_ports_that_are_given_win(run: Run, shop: FakeKube) -> None:
    words = ["--port", "90:8080", "--type", "ClusterIP", "--dry-run"]
    del shop.responses[f"{SERVICES}/web"]
    app = yaml.safe_load(run("expose", "deployment/web", *words).stdout)
    assert app["spec"]["ports"] == [{"port": 90, "targetPort": 8080}]
    assert app["spec"]["service"]["type"] == "ClusterIP"


def test_a_stateful_set_is_selected(run: Run, shop: FakeKube) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[SERVICES] = {"items": []}
    shop.responses[f"{STATEFUL_SETS}/web"] = DEPLOYMENT
    app = yaml.safe_load(run("expose", "statefulset/web", "--dry-run").stdout)
    assert app["spec"] == {"selector": {"app": "web"}, "ports": [{"port": 8080}]}


def test_beside_a_headless_service_under_another_name(run: Run, shop: FakeKube) -> None:
    headless = changed(SERVICE, type="ClusterIP", clusterIP="None", clusterIPs=["None"])
    shop.responses |= {f"{SERVICES}/web": headless, SERVICES: {"items": [headless]}}
    shop.responses[f"{STATEFUL_SETS}/web"] = DEPLOYMENT
    assert run("expose", "sts/web").exit_code == 1
    result = run("expose", "sts/web", "--name", "web-out")
    assert result.exit_code == 0, result.stderr
    assert writes(shop) == [("POST", APPS)]


def test_a_service_is_taken_over_with_its_selector(run: Run, shop: FakeKube) -> None:
    result = run("expose", "service/web")
    assert result.exit_code == 0, result.stderr
    assert writes(shop) == [("PATCH", f"{SERVICES}/web"), ("POST", APPS)]
    body = next(body for method, path, body in shop.requests if path.startswith(APPS) and body)
    assert body["spec"] == {
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": "http", "nodePort": 30080}],
        "service": {"externalTrafficPolicy": "Local"},
    }


def test_pods_by_their_labels(run: Run, shop: FakeKube) -> None:
    words = ["--selector", "app=web,tier=front", "--name", "web2", "--port", "80:8080"]
    app = yaml.safe_load(run("expose", *words, "--dry-run").stdout)
    assert app["metadata"] == {"name": "web2", "namespace": "shop"}
    assert app["spec"] == {
        "selector": {"app": "web", "tier": "front"},
        "ports": [{"port": 80, "targetPort": 8080}],
    }


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["web"],
        ["pod/web"],
        ["deployment/"],
        ["deployment/web", "--selector", "a=b"],
        ["--selector", "a=b", "--port", "80"],
        ["--selector", "a", "--name", "x", "--port", "80"],
        ["--selector", "a=b", "--name", "x"],
        ["deployment/web", "--port", "x"],
    ],
)
def test_wrong_usage_sends_nothing(run: Run, shop: FakeKube, words: list[str]) -> None:
    result = run("expose", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert shop.requests == []


def test_what_does_not_exist(run: Run, shop: FakeKube) -> None:
    result = run("expose", "deployment/nothing")
    assert result.exit_code == 3
    assert "there is no Deployment nothing in namespace shop" in result.stderr


def test_the_helm_release_is_named(run: Run, shop: FakeKube) -> None:
    annotations = {"meta.helm.sh/release-name": "site"}
    metadata = {**DEPLOYMENT["metadata"], "annotations": annotations}
    shop.responses[f"{DEPLOYMENTS}/web"] = {**DEPLOYMENT, "metadata": metadata}
    assert "Helm release site" in run("expose", "deployment/web").stderr
