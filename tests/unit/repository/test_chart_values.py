# SPDX-License-Identifier: Apache-2.0
"""The chart's values for those who run a platform: each reaches the objects that it is for."""

from typing import Any

import pytest
import yaml

from exposedapp.api.app import ExposedApp
from exposedapp.api.meta import NAME_LABEL
from support.helm import (
    CHART,
    REPOSITORY,
    documents_of,
    one,
    plain_environment,
    pod_spec,
    render,
    run_helm,
    template,
    with_image,
)

DIGEST = "sha256:" + "a" * 64
SWITCHES = [
    "enabled",
    "serviceAccount.create",
    "rbac.create",
    "rbac.aggregate",
    "probe.enabled",
    "metrics.enabled",
    "metrics.serviceMonitor.enabled",
    "metrics.prometheusRule.enabled",
    "metrics.dashboard.enabled",
    "catalog.enabled",
    "crds.install",
    "podDisruptionBudget.enabled",
    "networkPolicy.enabled",
    "admission.enabled",
    "admission.certManager.enabled",
]
ALL_ON = [
    'commonLabels={"team":"a"}',
    'serviceAccount.annotations={"note":"this"}',
    *(
        f"{switch}=true"
        for switch in SWITCHES
        if "metrics" in switch
        or switch in ("catalog.enabled", "networkPolicy.enabled", "admission.enabled")
    ),
]


def container_of(*sets: str) -> dict[str, Any]:
    [container] = pod_spec(*sets)["containers"]
    parsed: dict[str, Any] = container
    return parsed


@pytest.mark.parametrize(
    ("sets", "image"),
    [
        ([], f"{REPOSITORY}:0.1.0"),
        (['image.tag="1.2"'], f"{REPOSITORY}:1.2"),
        (['image.registry="r.example"', 'image.repository="a/b"'], "r.example/a/b:0.1.0"),
        (['global.imageRegistry="g.example"', 'image.repository="a/b"'], "g.example/a/b:0.1.0"),
        (
            ['global.imageRegistry="g.example"', 'image.registry="r.example"'],
            f"r.example/{REPOSITORY}:0.1.0",
        ),
        ([f'image.digest="{DIGEST}"'], f"{REPOSITORY}@{DIGEST}"),
        ([f'image.digest="{DIGEST}"', 'image.tag="1.2"'], f"{REPOSITORY}:1.2@{DIGEST}"),
    ],
)
def test_the_parts_of_the_image(sets: list[str], image: str) -> None:
    assert container_of(*sets)["image"] == image


def test_pull_secrets_of_a_parent_chart_are_added() -> None:
    sets = ('global.imagePullSecrets=[{"name":"all"}]', 'imagePullSecrets=[{"name":"own"}]')
    assert pod_spec(*sets)["imagePullSecrets"] == [{"name": "all"}, {"name": "own"}]


def test_another_account() -> None:
    annotations = 'serviceAccount={"name":"mine","annotations":{"iam.example/role":"x"}}'
    documents = render(annotations)
    account = one(documents, "ServiceAccount")["metadata"]
    assert (account["name"], account["annotations"]) == ("mine", {"iam.example/role": "x"})
    assert one(documents, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "mine"
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        assert [subject["name"] for subject in one(documents, kind)["subjects"]] == ["mine"]


def test_an_account_that_somebody_else_creates() -> None:
    documents = render('serviceAccount={"create":false,"name":"given"}')
    assert "ServiceAccount" not in {document["kind"] for document in documents}
    assert one(documents, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "given"
    assert (
        "serviceAccount.name is not set"
        in template(*with_image("serviceAccount.create=false")).stderr
    )


def test_roles_that_somebody_else_creates() -> None:
    kinds = {document["kind"] for document in render("rbac.create=false")}
    assert not {kind for kind in kinds if "Role" in kind}


def test_users_roles_that_are_no_part_of_kubernetes_own() -> None:
    documents = render("rbac.aggregate=false")
    labels = {label for document in documents for label in document["metadata"]["labels"]}
    assert not {label for label in labels if "aggregate" in label}
    assert one(documents, "ClusterRole", "exposedapp-edit")


def test_security_contexts_can_be_those_of_the_platform() -> None:
    sets = ("podSecurityContext.fsGroup=1", 'securityContext.seLinuxOptions={"level":"s0"}')
    pod = pod_spec(*sets)
    assert pod["securityContext"]["fsGroup"] == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    [container] = pod["containers"]
    assert container["securityContext"]["seLinuxOptions"] == {"level": "s0"}


def test_no_user_is_asked_for() -> None:
    """OpenShift's restricted-v2 assigns one, and refuses a pod that asks for another."""
    pod = pod_spec()
    [container] = pod["containers"]
    for context in (pod["securityContext"], container["securityContext"]):
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & context.keys()


def test_what_a_context_leaves_out_stays_out() -> None:
    """A null of the user's is not filled from the defaults again."""
    pod = pod_spec("podSecurityContext.seccompProfile=null")
    assert pod["securityContext"] == {"runAsNonRoot": True}


def test_environment_and_volumes_are_added() -> None:
    env, mounts = (
        [{"name": "HTTPS_PROXY", "value": "http://p"}],
        [{"name": "ca", "mountPath": "/ca"}],
    )
    volumes = [{"name": "ca", "configMap": {"name": "ca"}}]
    sets = (
        'extraEnv=[{"name":"HTTPS_PROXY","value":"http://p"}]',
        'volumes=[{"name":"ca","configMap":{"name":"ca"}}]',
        'volumeMounts=[{"name":"ca","mountPath":"/ca"}]',
        'dnsPolicy="Default"',
    )
    pod = pod_spec(*sets)
    assert (pod["volumes"], pod["dnsPolicy"]) == (volumes, "Default")
    [container] = pod["containers"]
    assert container["volumeMounts"] == mounts
    assert container["env"][-1:] == env
    assert len(container["env"]) == len(container_of()["env"]) + 1


@pytest.mark.parametrize(
    ("probe", "path"), [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
)
def test_the_numbers_of_a_probe(probe: str, path: str) -> None:
    configured = container_of(f"{probe}.failureThreshold=7", f"{probe}.periodSeconds=9")[probe]
    assert configured["httpGet"] == {"path": path, "port": "health"}
    assert (configured["failureThreshold"], configured["periodSeconds"]) == (7, 9)
    assert configured["timeoutSeconds"] == 5


def test_labels_of_every_object_and_of_the_pods() -> None:
    own = "app.kubernetes.io/name"
    documents = render(*ALL_ON, f'commonLabels={{"team":"a","{own}":"other"}}')
    for document in documents:
        labels = document["metadata"]["labels"]
        catalog = "exposedapp-catalog"
        name = catalog if document["metadata"]["name"] == catalog else "exposedapp"
        assert (labels["team"], labels[own]) == ("a", name)
    for name in ("exposedapp", "exposedapp-catalog"):
        deployment = one(documents, "Deployment", name)["spec"]
        assert deployment["template"]["metadata"]["labels"]["team"] == "a"
        assert "team" not in deployment["selector"]["matchLabels"]  # which cannot be changed later


def test_annotations_of_the_deployment() -> None:
    metadata = one(render('deploymentAnnotations={"a":"b"}'), "Deployment")["metadata"]
    assert metadata["annotations"] == {"a": "b"}


def test_another_spread_replaces_the_chart_s() -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    given = (
        'topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"zone",'
        '"whenUnsatisfiable":"DoNotSchedule"}]'
    )
    assert pod_spec(given)["topologySpreadConstraints"] == [spread]


@pytest.mark.parametrize(
    ("sets", "limit"),
    [
        (["podDisruptionBudget.maxUnavailable=2"], {"maxUnavailable": 2}),
        (['podDisruptionBudget.maxUnavailable="50%"'], {"maxUnavailable": "50%"}),
        (["podDisruptionBudget.minAvailable=1"], {"minAvailable": 1}),
        (["podDisruptionBudget.minAvailable=0"], {"minAvailable": 0}),
    ],
)
def test_the_limit_of_the_budget(sets: list[str], limit: dict[str, object]) -> None:
    spec = one(render(*sets), "PodDisruptionBudget")["spec"]
    names = ("maxUnavailable", "minAvailable")
    assert {name: spec[name] for name in names if name in spec} == limit


def test_the_budget_can_be_left_out() -> None:
    kinds = {document["kind"] for document in render("podDisruptionBudget.enabled=false")}
    assert "PodDisruptionBudget" not in kinds


def test_there_is_no_network_policy_by_default() -> None:
    assert "NetworkPolicy" not in {document["kind"] for document in render()}


def test_the_network_policy_allows_what_the_operator_needs() -> None:
    documents = render(
        "networkPolicy.enabled=true",
        "networkPolicy.apiServerPorts=[8443]",
        'networkPolicy.nodePorts={"first":100,"last":200}',
    )
    policy = one(documents, "NetworkPolicy")["spec"]
    deployment = one(documents, "Deployment")["spec"]
    assert policy["podSelector"] == deployment["selector"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    dns, api_server, probes, own_node, kubelets = policy["egress"]
    assert {port["protocol"] for port in dns["ports"]} == {"TCP", "UDP"}
    assert {port["port"] for port in dns["ports"]} == {53}
    assert api_server == {"ports": [{"port": 8443}]}
    assert probes == {"ports": [{"port": 100, "endPort": 200}]}
    assert kubelets == {"ports": [{"port": 10250}]}
    assert own_node == {"to": [{"namespaceSelector": {}}]}
    [container] = deployment["template"]["spec"]["containers"]
    names = {port["name"] for port in container["ports"]}
    [metrics] = policy["ingress"]
    assert metrics == {"ports": [{"port": "metrics"}]}
    assert {port["port"] for port in metrics["ports"]} <= names


def test_the_network_policy_takes_more_rules() -> None:
    peer = '{"namespaceSelector":{"matchLabels":{"name":"monitoring"}}}'
    documents = render(
        "networkPolicy.enabled=true",
        f"networkPolicy.metricsFrom=[{peer}]",
        f'networkPolicy.extraEgress=[{{"to":[{peer}]}}]',
        'networkPolicy.extraIngress=[{"ports":[{"port":8080}]}]',
    )
    policy = one(documents, "NetworkPolicy")["spec"]
    parsed = yaml.safe_load(peer)
    assert policy["ingress"][0]["from"] == [parsed]
    assert policy["ingress"][-1] == {"ports": [{"port": 8080}]}
    assert policy["egress"][-1] == {"to": [parsed]}


def test_helm_test_has_policies_of_its_own() -> None:
    """Of its pod and of its app's, while it runs."""
    documents = documents_of(template(*with_image("networkPolicy.enabled=true"), flags=()))
    operator = one(documents, "NetworkPolicy", "exposedapp")["spec"]
    test = one(documents, "NetworkPolicy", "exposedapp-test")
    exposed = one(documents, "NetworkPolicy", "exposedapp-test-app")
    [pod] = [document for document in documents if document["kind"] == "Pod"]
    labels = pod["metadata"]["labels"]
    assert test["spec"]["podSelector"]["matchLabels"] == labels
    assert not operator["podSelector"]["matchLabels"].items() <= labels.items()
    assert test["spec"]["egress"] == operator["egress"][:4]
    variables = {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}
    assert exposed["spec"]["podSelector"]["matchLabels"] == {NAME_LABEL: variables["APP"]}
    assert exposed["spec"]["ingress"] == [{}]
    for policy in (test, exposed):
        assert policy["metadata"]["annotations"]["helm.sh/hook"] == "test"


def test_without_metrics_the_network_policy_lets_nobody_in() -> None:
    documents = render("networkPolicy.enabled=true", "metrics.enabled=false")
    assert not one(documents, "NetworkPolicy")["spec"]["ingress"]


def test_more_objects_as_they_are_or_as_templates() -> None:
    plain = '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"plain"}}'
    text = "apiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: {{ .Release.Name }}-more\\n"
    documents = render(f'extraObjects=[{plain},"{text}"]')
    assert one(documents, "Secret")["metadata"]["name"] == "plain"
    assert one(documents, "ConfigMap")["metadata"]["name"] == "exposedapp-more"


def test_the_usual_options_of_a_service_monitor() -> None:
    options = (
        '"namespace":"monitoring","scrapeTimeout":"5s","honorLabels":true,"annotations":{"a":"b"},'
        '"relabelings":[{"action":"labeldrop","regex":"pod"}],'
        '"metricRelabelings":[{"action":"drop","regex":"x"}]'
    )
    documents = render(f'metrics.serviceMonitor={{"enabled":true,{options}}}')
    monitor = one(documents, "ServiceMonitor")
    assert monitor["metadata"]["namespace"] == "monitoring"
    assert monitor["metadata"]["annotations"] == {"a": "b"}
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["somewhere"]}
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint == {
        "port": "metrics",
        "interval": "30s",
        "scrapeTimeout": "5s",
        "honorLabels": True,
        "relabelings": [{"action": "labeldrop", "regex": "pod"}],
        "metricRelabelings": [{"action": "drop", "regex": "x"}],
    }


def test_every_value_is_explained() -> None:
    rows = (CHART.parents[2] / "docs" / "values.md").read_text().splitlines()
    assert [row for row in rows if row.startswith("| `") and row.endswith("|  |")] == []


def test_every_switch_of_the_chart_is_in_the_list() -> None:
    def switches(node: dict[str, Any], path: str = "") -> set[str]:
        names = set[str]()
        for key, value in node.items():
            if isinstance(value, dict):
                names |= switches(value, f"{path}{key}.")
            elif key in ("enabled", "create", "install", "aggregate"):
                names.add(path + key)
        return names

    assert switches(yaml.safe_load((CHART / "values.yaml").read_text())) == set(SWITCHES)


@pytest.mark.parametrize("state", ["true", "false"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_gives_objects_with_names_and_labels(switch: str, state: str) -> None:
    sets = [*ALL_ON, 'serviceAccount.name="given"', f"{switch}={state}"]
    documents = render(*sets)
    identities = [
        (document["apiVersion"], document["kind"], document["metadata"]["name"])
        for document in documents
    ]
    assert len(identities) == len(set(identities))
    assert all(document["metadata"]["labels"]["team"] == "a" for document in documents)
    values = [value for assignment in with_image(*sets) for value in ("--set-json", assignment)]
    lint = run_helm("lint", "--strict", CHART, *values)
    assert lint.returncode == 0, lint.stdout + lint.stderr


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ('image.digest="latest"', "digest"),
        ("serviceAccount.names=1", "names"),
        ("rbac.aggregated=true", "aggregated"),
        ("livenessProbe.httpGet={}", "httpGet"),
        ('extraEnv=[{"value":"x"}]', "name"),
        ('dnsPolicy="None"', "dnsPolicy"),
        ('podDisruptionBudget.maxUnavailable="some"', "maxUnavailable"),
        ("networkPolicy.apiServerPorts=[0]", "apiServerPorts"),
        ("networkPolicy.enabledd=true", "enabledd"),
        ("metrics.serviceMonitor.jobLabel=1", "jobLabel"),
    ],
)
def test_a_wrong_value_is_refused_by_name(value: str, named: str) -> None:
    result = template(*with_image(value))
    assert result.returncode != 0, "accepted"
    assert named in result.stderr


def hooks(*sets: str) -> list[dict[str, Any]]:
    """The objects of `helm test`, which `helm template` renders when they are asked for."""
    return documents_of(
        template(*with_image(*sets), flags=("--show-only", "templates/tests/exposes-an-app.yaml"))
    )


def test_helm_test_is_a_hook_alone() -> None:
    for document in hooks():
        assert document["metadata"]["annotations"]["helm.sh/hook"] == "test"
        # Or the metrics' Service would select the pod.
        labels = document["metadata"].get("labels", {})
        assert labels.get("app.kubernetes.io/name") != "exposedapp"


def test_the_pod_of_helm_test_is_like_the_operator_s() -> None:
    registry = 'imagePullSecrets=[{"name":"registry"}]'
    pod, operator = one(hooks(registry), "Pod")["spec"], pod_spec(registry)
    for field in ("securityContext", "imagePullSecrets"):
        assert pod[field] == operator[field]
    [container], [operator_container] = pod["containers"], operator["containers"]
    for field in ("image", "imagePullPolicy", "securityContext", "resources"):
        assert container[field] == operator_container[field]


def test_helm_test_exposes_an_app_that_the_restricted_level_allows() -> None:
    [container] = one(hooks(), "Pod")["spec"]["containers"]
    code = container["command"][-1]
    assert code == (CHART / "files" / "exposes_an_app.py").read_text()
    names: dict[str, Any] = {"__name__": "imported"}
    exec(compile(code, "exposes_an_app.py", "exec"), names)  # noqa: S102 - our own file
    body = names["app"]("test", container["image"], [{"name": "registry"}])
    ExposedApp.model_validate(body)
    pod = body["spec"]["podTemplate"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["securityContext"]["runAsNonRoot"] is True
    [app_container] = pod["containers"]
    assert app_container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_helm_test_may_create_and_delete_the_children_of_its_app() -> None:
    """Or the policy author-rights refuses it."""
    assert {
        (verb, resource)
        for verb in ("create", "delete")
        for resource in ("deployments", "services")
    } <= rights(one(hooks(), "Role"))


def test_a_parent_chart_s_condition_is_accepted() -> None:
    assert render("enabled=true") == render()


# --- watchNamespaces ------------------------------------------------------------------------------

SCOPE = 'watchNamespaces=["shop","staging"]'
HOST = 'nodes.host="apps.example"'
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def rights(role: dict[str, Any]) -> set[tuple[str, str]]:
    """The verbs and resources of a role."""
    return {
        (verb, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ()))
    }


def test_an_operator_of_some_namespaces_has_a_role_in_each() -> None:
    documents = render(SCOPE)
    account = one(documents, "ServiceAccount")["metadata"]
    roles, bindings = (
        {
            document["metadata"]["namespace"]: document
            for document in documents
            if (document["kind"], document["metadata"]["name"]) == (kind, "exposedapp-apps")
        }
        for kind in ("Role", "RoleBinding")
    )
    assert roles.keys() == bindings.keys() == {"shop", "staging"}
    whole_cluster = rights(one(render(), "ClusterRole", "exposedapp"))
    of_cluster = rights(one(documents, "ClusterRole", "exposedapp"))
    assert {resource for _, resource in of_cluster if "/" not in resource} == {"nodes"}
    for namespace, role in roles.items():
        assert rights(role) == whole_cluster - of_cluster
        assert bindings[namespace]["roleRef"]["name"] == role["metadata"]["name"]
        [subject] = bindings[namespace]["subjects"]
        assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])


def test_with_a_host_for_all_apps_there_is_no_cluster_role_of_the_operator() -> None:
    names = {
        document["metadata"]["name"]
        for document in render(SCOPE, HOST)
        if document["kind"] in ("ClusterRole", "ClusterRoleBinding")
    }
    assert names == {"exposedapp-edit", "exposedapp-view"}
    assert one(render(HOST), "ClusterRole", "exposedapp")


def test_without_rights_in_the_cluster_a_release_has_nothing_of_the_cluster() -> None:
    left_out = ["crds.install=false", "rbac.aggregate=false", "policies.authorRights=false"]
    values = with_image(SCOPE, HOST, *left_out)
    newest = template(*values, flags=("--skip-tests", "--kube-version", "1.36.0"))
    for document in documents_of(newest):
        assert document["kind"] not in CLUSTER_SCOPED
        assert "Admission" not in document["kind"]
        assert document["metadata"]["namespace"] in ("somewhere", "shop", "staging")


def test_a_release_of_some_namespaces_has_a_lease_of_its_own() -> None:
    documents = render(SCOPE, release="mine")
    pod = one(documents, "Deployment")["spec"]["template"]["spec"]
    given = plain_environment(pod["containers"][0])
    assert given["EXPOSEDAPP_WATCH_NAMESPACES"] == "shop,staging"
    assert given["EXPOSEDAPP_LEASE_NAME"] == "mine-exposedapp"
    [_, named] = one(documents, "Role", "mine-exposedapp")["rules"]
    assert named["resourceNames"] == ["mine-exposedapp"]
    [_, named] = one(render(release="mine"), "Role", "mine-exposedapp")["rules"]
    assert named["resourceNames"] == ["exposedapp"]


def test_roles_in_namespaces_that_somebody_else_creates() -> None:
    kinds = {document["kind"] for document in render(SCOPE, "rbac.create=false")}
    assert not {kind for kind in kinds if "Role" in kind}


@pytest.mark.parametrize("names", ['["Shop"]', '["a/b"]', '["a","a"]', '"a"', '["*"]'])
def test_what_are_no_namespaces_is_refused(names: str) -> None:
    result = template(*with_image(f"watchNamespaces={names}"))
    assert "/watchNamespaces" in result.stderr


@pytest.mark.parametrize(
    ("names", "namespace"), [('["shop","staging"]', "shop"), ('["shop","somewhere"]', "somewhere")]
)
def test_helm_test_exposes_an_app_that_is_reconciled(names: str, namespace: str) -> None:
    rendered = documents_of(template(*with_image(f"watchNamespaces={names}"), flags=()))
    hooks = [document for document in rendered if "test" in document["metadata"]["name"]]
    assert {document["metadata"]["namespace"] for document in hooks} == {namespace}
    assert [document["kind"] for document in hooks if document["kind"] == "Pod"] == ["Pod"]
