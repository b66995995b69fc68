# SPDX-License-Identifier: Apache-2.0
"""The Helm chart: it renders, asks for no more than it needs, refuses what it does not know."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

import exposedapp
from exposedapp.environment import read_settings
from exposedapp.settings import Settings
from exposedapp.supervisor import STOP_SECONDS
from exposedapp.telemetry.health import HealthLimits
from support.helm import (
    CHART,
    DEPLOY,
    REPOSITORY,
    documents_of,
    helm,
    one,
    plain_environment,
    pod_spec,
    render,
    run_helm,
    template,
    with_image,
)

OLDEST_VALUES = Path(__file__).parent / "oldest-chart-values.yaml"
"""values.yaml of the chart's first version (commit 03d527e), as it was."""

# The names of what Kubernetes calls the restricted Pod Security level, with the values it wants.
RESTRICTED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_lint() -> None:
    result = run_helm("lint", "--strict", CHART)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_object_is_where_and_what_it_should_be() -> None:
    documents = render()
    assert sorted(document["kind"] for document in documents) == [
        "ClusterRole",
        "ClusterRole",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Deployment",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
    ]
    cluster_wide = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
    for document in documents:
        assert document["metadata"]["labels"]["app.kubernetes.io/name"] == "exposedapp"
        namespaced = document["kind"] not in cluster_wide
        assert document["metadata"].get("namespace") == ("somewhere" if namespaced else None)


def test_the_role_is_bound_to_the_account_that_the_pod_runs_as() -> None:
    documents = render(release="mine")
    account = one(documents, "ServiceAccount")["metadata"]
    binding = one(documents, "ClusterRoleBinding")
    assert account["name"] == "mine-exposedapp"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]
    assert one(documents, "ClusterRole", binding["roleRef"]["name"])
    pod = one(documents, "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["name"]
    assert pod["automountServiceAccountToken"] is True


def test_the_pod_meets_the_restricted_level() -> None:
    pod = pod_spec()
    assert RESTRICTED_POD.items() <= pod["securityContext"].items()
    assert not {"hostNetwork", "hostPID", "hostIPC", "volumes"} & pod.keys()
    [container] = pod["containers"]
    assert RESTRICTED_CONTAINER.items() <= container["securityContext"].items()
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert not any("hostPort" in port for port in container["ports"])


def test_a_standby_on_another_node_replaces_a_lost_one_soon() -> None:
    documents = render("replicas=3")
    spec = one(documents, "Deployment")["spec"]
    assert spec["replicas"] == 3
    assert one(render(), "Deployment")["spec"]["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    pod = spec["template"]["spec"]
    labels = {"matchLabels": spec["selector"]["matchLabels"]}
    [spread] = pod["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"] == labels
    budget = one(documents, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]) == (1, labels)
    seconds = {
        toleration["key"]: toleration["tolerationSeconds"] for toleration in pod["tolerations"]
    }
    assert seconds.keys() == {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    }
    assert all(10 <= value <= 30 for value in seconds.values())


def test_the_lease_is_the_only_thing_that_the_operator_may_write_in_its_namespace() -> None:
    documents = render(release="mine")
    rules = one(documents, "Role")["rules"]
    assert {resource for rule in rules for resource in rule["resources"]} == {"leases"}
    named = [rule for rule in rules if "resourceNames" in rule]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in named] == [
        ([Settings().lease_name], ["get", "update"])
    ]
    binding = one(documents, "RoleBinding")
    assert binding["roleRef"]["name"] == one(documents, "Role")["metadata"]["name"]
    assert binding["subjects"] == one(documents, "ClusterRoleBinding")["subjects"]


def test_the_pod_has_time_to_release_the_lease() -> None:
    assert pod_spec()["terminationGracePeriodSeconds"] > STOP_SECONDS


def test_a_pod_that_hears_nothing_is_unready_within_100_seconds() -> None:
    [container] = pod_spec()["containers"]
    probe = container["readinessProbe"]
    failures = probe.get("failureThreshold", 3)  # Kubernetes' default
    seconds = HealthLimits().watch_silence_seconds + failures * probe["periodSeconds"]
    assert seconds <= 100


def test_comments_on_health_have_the_operator_s_limits() -> None:
    text = (CHART / "templates" / "deployment.yaml").read_text()
    limits = HealthLimits()
    assert f"503 after {limits.api_silence_seconds / 60:.0f} minutes" in text
    assert f"in the last {limits.watch_silence_seconds:.0f} s" in text
    assert f"more than {limits.queue_age_seconds / 60:.0f} minutes" in text


def test_the_probes_ask_the_health_port() -> None:
    [container] = pod_spec()["containers"]
    assert {"name": "health", "containerPort": 8080} in container["ports"]
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "health"}


def test_no_role_has_a_wildcard_or_reads_secrets() -> None:
    for document in render():
        for rule in document.get("rules", []) if document["kind"] == "ClusterRole" else []:
            resources = rule.get("resources", [])
            assert "*" not in rule.get("apiGroups", []) + resources + rule["verbs"]
            assert "secrets" not in resources


def test_the_operator_may_do_this_and_no_more() -> None:
    rules = one(render(), "ClusterRole", "exposedapp")["rules"]
    allowed = {
        f"{group}/{resource}".lstrip("/"): " ".join(rule["verbs"])
        for rule in rules
        for group in rule.get("apiGroups", ())
        for resource in rule["resources"]
    }
    [discovery] = [rule for rule in rules if "nonResourceURLs" in rule]
    assert discovery == {
        "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*"],
        "verbs": ["get"],
    }
    assert allowed == {
        "exposedapp.dev/exposedapps": "get list watch",
        "exposedapp.dev/exposedapps/status": "patch",
        "exposedapp.dev/exposedapps/finalizers": "update",
        "apps/deployments": "get list watch create patch delete",
        "services": "get list watch create patch",
        "discovery.k8s.io/endpointslices": "list watch",
        "nodes": "list watch",
        "pods": "list",
        "events": "list create patch",
    }


def test_the_roles_of_a_namespace_reach_exposedapps() -> None:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    reach = {"admin": set[str](), "edit": set[str](), "view": set[str]()}
    for document in render():
        for role, verbs in reach.items():
            if document["metadata"]["labels"].get(prefix + role) == "true":
                for rule in document["rules"]:
                    if rule["resources"] == ["exposedapps"]:
                        verbs.update(rule["verbs"])
    assert reach["view"] == {"get", "list", "watch"}
    assert reach["edit"] == reach["admin"]
    assert reach["edit"] - reach["view"] == {
        "create",
        "delete",
        "deletecollection",
        "patch",
        "update",
    }


def test_the_crd_is_the_generated_one_and_outlives_the_release() -> None:
    generated = yaml.safe_load((CHART / "files" / "crd.yaml").read_text())
    crd = one(render(), "CustomResourceDefinition")
    assert crd["spec"] == generated["spec"]
    assert crd["metadata"]["name"] == "exposedapps.exposedapp.dev"
    assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    for kind in ("annotations", "labels"):
        assert (generated["metadata"].get(kind) or {}).items() <= crd["metadata"][kind].items()


def test_the_crd_can_be_left_out() -> None:
    assert "CustomResourceDefinition" not in {
        document["kind"] for document in render("crds.install=false")
    }


def test_values_reach_the_pod() -> None:
    toleration = {"key": "infra", "operator": "Exists"}
    documents = render(
        'image={"repository":"registry.example/operator","tag":"1.2.3","pullPolicy":"Always"}',
        'imagePullSecrets=[{"name":"registry"}]',
        'logLevel="DEBUG"',
        'log={"format":"json"}',
        'api={"requestsInFlight":8}',
        'probe={"enabled":false,"ratePerSecond":0.5,"inFlight":7,"hosts":["a.example","b.example"]}',
        'resources={"limits":{"memory":"1Gi"}}',
        'nodeSelector={"kubernetes.io/os":"linux"}',
        'tolerations=[{"key":"infra","operator":"Exists"}]',
        'affinity={"nodeAffinity":{}}',
        'priorityClassName="system-cluster-critical"',
        'podAnnotations={"note":"this"}',
        'podLabels={"team":"a","app.kubernetes.io/name":"cannot-change"}',
    )
    template = one(documents, "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"]["note"] == "this"
    assert template["metadata"]["labels"]["team"] == "a"
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "exposedapp"
    pod = template["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert toleration in pod["tolerations"]
    assert pod["affinity"] == {"nodeAffinity": {}}
    assert pod["priorityClassName"] == "system-cluster-critical"
    [container] = pod["containers"]
    assert container["image"] == "registry.example/operator:1.2.3"
    assert container["imagePullPolicy"] == "Always"
    assert plain_environment(container) == {
        "EXPOSEDAPP_LOG_LEVEL": "DEBUG",
        "EXPOSEDAPP_LOG_FORMAT": "json",
        "EXPOSEDAPP_REQUESTS_IN_FLIGHT": "8",
        "EXPOSEDAPP_PROBE": "false",
        "EXPOSEDAPP_PROBE_RATE": "0.5",
        "EXPOSEDAPP_PROBE_IN_FLIGHT": "7",
        "EXPOSEDAPP_PROBE_HOSTS": "a.example,b.example",
        "EXPOSEDAPP_METRICS_PORT": "8081",
    }
    assert container["resources"]["limits"] == {"memory": "1Gi"}


def test_the_pod_is_kept_out_of_service_meshes_unless_asked_otherwise() -> None:
    """A mesh's proxy in the pod accepts each connection: every URL would seem to answer.

    istio.io#8907, blackbox_exporter#810.
    """
    pod = one(render(), "Deployment")["spec"]["template"]["metadata"]
    assert pod["labels"]["sidecar.istio.io/inject"] == "false"
    assert pod["labels"]["istio.io/dataplane-mode"] == "none"
    assert pod["annotations"]["sidecar.istio.io/inject"] == "false"
    assert pod["annotations"]["linkerd.io/inject"] == "disabled"
    inside = one(
        render(
            'podAnnotations={"linkerd.io/inject":"enabled"}',
            'podLabels={"sidecar.istio.io/inject":"true"}',
        ),
        "Deployment",
    )["spec"]["template"]["metadata"]
    assert inside["annotations"]["linkerd.io/inject"] == "enabled"
    assert inside["labels"]["sidecar.istio.io/inject"] == "true"


def test_the_operator_knows_its_node() -> None:
    [container] = pod_spec()["containers"]
    [source] = [
        variable["valueFrom"]
        for variable in container["env"]
        if variable["name"] == "EXPOSEDAPP_NODE_NAME"
    ]
    assert source == {"fieldRef": {"fieldPath": "spec.nodeName"}}


def test_the_image_is_of_the_operator_s_version_by_default() -> None:
    [container] = pod_spec()["containers"]
    assert container["image"] == f"{REPOSITORY}:{exposedapp.__version__}"


def test_without_an_image_one_sentence_says_what_to_set() -> None:
    result = template()
    assert result.returncode != 0
    assert "image.repository is not set" in result.stderr
    for remedy in ("make push IMAGE=", "--set image.repository=", "--set image.tag="):
        assert remedy in result.stderr


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replica=2", "replica"),
        ('image={"tga":"dev"}', "tga"),
        ("crds.instal=false", "instal"),
        ('logLevel="CHATTY"', "logLevel"),
        ('log.format="xml"', "format"),
        ('image.pullPolicy="Sometimes"', "pullPolicy"),
        ("image.tag=1.2", "tag"),
    ],
)
def test_an_unknown_or_wrong_value_is_refused_by_name(value: str, named: str) -> None:
    result = template(value)
    assert result.returncode != 0, "accepted"
    assert named in result.stderr


def settings_of(environment: dict[str, str]) -> Settings:
    with patch.dict(os.environ, environment):
        return read_settings()


@pytest.mark.parametrize(
    "host", ["", "lb.example.com", "localhost", "1lb", "10.0.0.1", "fd00::1", "::1"]
)
def test_a_host_for_all_apps(host: str) -> None:
    [container] = pod_spec(f'nodes.host="{host}"')["containers"]
    given = plain_environment(container)
    assert given.get("EXPOSEDAPP_NODES_HOST", "") == host
    assert settings_of(given).nodes_host == (host or None)


@pytest.mark.parametrize(
    "host",
    [
        *("lb.example.com:8080", "10.0.0.1:8080", "http://lb.example.com", "LB.example.com"),
        *("lb_1", "10.0.0.300", "0.0.0.0", ":::::", "fe80::1", "fd00::1%eth0", "[fd00::1]", "::"),  # noqa: S104
    ],
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    result = template(f'nodes.host="{host}"')
    assert result.returncode != 0, "accepted"
    assert "/nodes/host" in result.stderr


MAPPING = '{"containerPort": 30008, "hostPort": 8080, "listenAddress": "%s"}'


@pytest.mark.parametrize("listen", ["", "0.0.0.0", "127.0.0.1", "::", "::1"])  # noqa: S104
def test_port_mappings_as_kind_has_them(listen: str) -> None:
    [container] = pod_spec(f"portMappings=[{MAPPING % listen}]")["containers"]
    given = plain_environment(container)
    assert settings_of(given).port_mappings == {(30008, "TCP"): 8080}


@pytest.mark.parametrize("listen", ["192.168.1.5", "127.0.0.2", "fd00::1"])
def test_a_mapping_that_localhost_does_not_lead_to_is_refused(listen: str) -> None:
    result = template(f"portMappings=[{MAPPING % listen}]")
    assert result.returncode != 0, "accepted"
    assert "/portMappings/0/listenAddress" in result.stderr


def test_an_older_kubernetes_is_refused() -> None:
    result = run_helm("template", "exposedapp", CHART, "--kube-version", "1.28.15")
    assert "1.29" in result.stderr


def test_every_value_of_the_schema_is_in_values_yaml() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema.keys() == values.keys()


def test_works_as_a_dependency_of_another_chart(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    shutil.copytree(CHART, tmp_path / "charts" / "exposedapp")
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: parent\nversion: 1.0.0\n")
    (tmp_path / "values.yaml").write_text("global: {any: thing}\nexposedapp: {logLevel: DEBUG}\n")
    image = f'exposedapp.image.repository="{REPOSITORY}"'
    result = template(image, chart=tmp_path, release="release")
    assert result.returncode == 0, result.stderr
    assert "release-exposedapp" in result.stdout


def chart_with_values(folder: Path, values: str) -> Path:
    """The chart as `helm upgrade --reuse-values` sees it: with another chart's default values."""
    chart = folder / "exposedapp"
    shutil.copytree(CHART, chart)
    (chart / "values.yaml").write_text(values)
    return chart


def rendered_with(folder: Path, values: str, *sets: str) -> list[dict[str, Any]]:
    return documents_of(template(*with_image(*sets), chart=chart_with_values(folder, values)))


def test_the_values_of_the_oldest_chart_can_be_reused(tmp_path: Path) -> None:
    """What has been added since then has its default, also where it is read last."""
    sets = ('metrics={"dashboard": {"enabled": true}}',)
    oldest = OLDEST_VALUES.read_text()
    assert rendered_with(tmp_path / "all", oldest) == render()
    assert rendered_with(tmp_path / "some", oldest, *sets) == render(*sets)


def test_values_that_are_false_or_left_out_stay_so(tmp_path: Path) -> None:
    oldest = OLDEST_VALUES.read_text() + "probe: {enabled: false}\n"
    documents = rendered_with(tmp_path, oldest, "resources.limits=null")
    (container,) = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    environment = plain_environment(container)
    assert environment["EXPOSEDAPP_PROBE"] == "false"
    assert environment["EXPOSEDAPP_PROBE_RATE"] == "50"
    assert "limits" not in container["resources"]


def policies(*sets: str, kubernetes: str) -> dict[str, dict[str, Any]]:
    """The policies that are rendered for a version of Kubernetes."""
    flags = ["--kube-version", kubernetes, "--skip-tests"]
    for assignment in with_image(*sets):
        flags += ["--set-json", assignment]
    documents = documents_of(run_helm("template", "exposedapp", CHART, *flags))
    bound = {
        document["spec"]["policyName"]
        for document in documents
        if document["kind"] == "ValidatingAdmissionPolicyBinding"
    }
    rendered = {
        document["metadata"]["name"]: document
        for document in documents
        if document["kind"] == "ValidatingAdmissionPolicy"
    }
    assert bound == rendered.keys()
    return rendered


RIGHTS = ["exposedapp-author-rights", "exposedapp-scaling-rights"]
"""The policies that are on by default."""


def test_policies_are_for_kubernetes_that_has_them() -> None:
    assert policies(kubernetes="1.29.15") == {}
    assert list(policies(kubernetes="v1.30.5-gke.1")) == RIGHTS
    assert policies('policies={"authorRights": false}', kubernetes="1.36.0") == {}


@pytest.mark.parametrize(
    "value",
    [
        {"serviceTypes": ["NodePort"]},
        {"nodePorts": {"first": 30100, "last": 30199}},
        {"hosts": ["apps.example.com"]},
        {"serviceAnnotations": {"limited": True}},
        {"selectors": False},
        {"externalIPs": False},
        {"forbiddenPodFields": ["hostPath"]},
    ],
    ids=lambda value: next(iter(value)),
)
def test_each_limit_is_one_rule(value: dict[str, Any]) -> None:
    rendered = policies(f"policies={json.dumps(value)}", kubernetes="1.36.0")
    assert len(rendered["exposedapp-spec"]["spec"]["validations"]) == 1


def test_the_manifests_are_what_the_chart_gives() -> None:
    check = subprocess.run(
        [DEPLOY / "render.sh", "--check"],
        env={**os.environ, "HELM": helm()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stderr


def manifest(name: str) -> str:
    return (DEPLOY / "manifests" / name).read_text()


def test_the_operator_s_manifest_makes_its_namespace_restricted() -> None:
    documents = list(yaml.safe_load_all(manifest("operator.yaml")))
    namespace = documents[0]
    assert namespace["kind"] == "Namespace"
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    for document in documents[1:]:
        assert document["metadata"].get("namespace") in {None, namespace["metadata"]["name"]}
        assert "Helm" not in document["metadata"]["labels"].values()


def test_another_namespace_is_one_text_to_replace_in_the_operator_s_manifest() -> None:
    page = (DEPLOY.parent / "docs" / "install.md").read_text()
    assert '; s,exposedapp-system,NAME,"' in page
    documents = list(
        yaml.safe_load_all(manifest("operator.yaml").replace("exposedapp-system", "x"))
    )
    assert documents[0]["metadata"]["name"] == "x"
    metadata = [document["metadata"] for document in documents[1:]]
    subjects = [each for document in documents for each in document.get("subjects", [])]
    assert {each["namespace"] for each in [*metadata, *subjects] if "namespace" in each} == {"x"}
    assert "exposedapp-system" not in json.dumps(documents)


def test_the_policies_on_rights_are_a_manifest_of_their_own() -> None:
    """Kubernetes 1.29 knows no policies, and would refuse a file that has them."""
    shipped = list(yaml.safe_load_all(manifest("policies.yaml")))
    rendered = policies(kubernetes="1.36.0")
    kinds = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    by_kind = {kind: [body for body in shipped if body["kind"] == kind] for kind in kinds}
    assert sum(map(len, by_kind.values())) == len(shipped)
    specs = {body["metadata"]["name"]: body["spec"] for body in by_kind[kinds[0]]}
    assert specs == {name: rendered[name]["spec"] for name in RIGHTS}
    assert [body["spec"]["policyName"] for body in by_kind[kinds[1]]] == RIGHTS
    for document in shipped:
        assert "Helm" not in document["metadata"]["labels"].values()
    others = yaml.safe_load_all(manifest("operator.yaml"))
    assert not {document["kind"] for document in others} & set(kinds)


def test_deleting_the_operator_s_manifest_deletes_no_app() -> None:
    kinds = {document["kind"] for document in yaml.safe_load_all(manifest("operator.yaml"))}
    assert "CustomResourceDefinition" not in kinds
    assert [document["kind"] for document in yaml.safe_load_all(manifest("crd.yaml"))] == [
        "CustomResourceDefinition"
    ]
    head = manifest("crd.yaml").partition("---")[0]
    assert "deletes every ExposedApp in the cluster" in head


def test_the_operator_s_manifest_has_one_place_for_an_image_and_none_by_default() -> None:
    """The API server refuses a Deployment whose image is empty."""
    documents = yaml.safe_load_all(manifest("operator.yaml"))
    [deployment] = [document for document in documents if document["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == ""
    lines = [line for line in manifest("operator.yaml").splitlines() if "image: " in line]
    assert [line.strip() for line in lines if not line.startswith("#")] == ['image: ""']


@pytest.mark.parametrize("name", ["hello", "hello-fixed-port"])
def test_examples_run_the_demo_image(name: str) -> None:
    app = yaml.safe_load((DEPLOY / "examples" / f"{name}.yaml").read_text())
    assert (app["apiVersion"], app["kind"]) == ("exposedapp.dev/v1alpha1", "ExposedApp")
    assert app["metadata"]["name"] == name
    assert app["spec"]["image"] == "localhost/exposedapp/demo:dev"
    assert app["spec"]["ports"][0]["targetPort"] == 8080
