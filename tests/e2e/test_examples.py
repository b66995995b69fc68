# SPDX-License-Identifier: Apache-2.0
"""Every file in deploy/examples is applied as it is, and every address in its status answers."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import EXAMPLES, ROOT, Json, Namespace, Refused, condition, eventually
from e2e.test_smoke import node_addresses

pytestmark = pytest.mark.shares_cluster

FILES = sorted(EXAMPLES.glob("*.yaml"))
NAMES = [file.stem for file in FILES]
PAGE = "This page comes from a volume."


@pytest.fixture(scope="module")
def examples(cluster: KindCluster, operator: Operator) -> Iterator[Namespace]:
    """One namespace in which all examples run at once."""
    with namespace_of(cluster) as namespace:
        namespace.kubectl("apply", *(f"--filename={file}" for file in FILES))
        namespace.wait_ready("hello")  # in its pods the tests ask from inside
        yield namespace


def app_in(file: Path) -> Json:
    """The one ExposedApp in an example."""
    documents: list[Json] = list(yaml.safe_load_all(file.read_text()))
    (app,) = (item for item in documents if item["kind"] == "ExposedApp")
    return app


def request(url: str) -> str:
    """What answers at a URL, by HTTP or by UDP.

    Pods are given this text, so it imports what it needs; whose certificate it is does not matter.
    """
    import socket
    import ssl
    import urllib.request
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(2)
            udp.sendto(b"ping", (str(parts.hostname), parts.port or 0))
            return udp.recv(2048).decode()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=5, context=trusting) as answer:  # noqa: S310 - ours
        return str(answer.read().decode())


def request_inside(namespace: Namespace, urls: list[str]) -> list[str]:
    """The same, asked by a pod."""
    asking = "print(json.dumps([request(url) for url in sys.argv[1:]]))"
    code = f"import json, sys\n{inspect.getsource(request)}\n{asking}"
    return list(json.loads(run_inside(namespace, code, *urls)))


def run_inside(namespace: Namespace, code: str, *arguments: str) -> str:
    """What a Python program prints in a pod."""
    return namespace.kubectl("exec", "deployment/hello", "--", "python3", "-c", code, *arguments)


def pods_of(namespace: Namespace, status: Json) -> list[Json]:
    """The pods that an app's status says are its own, those that go left out."""
    text = namespace.kubectl("get", "pods", "-l", status["selector"], "-o", "json")
    return [
        item for item in json.loads(text)["items"] if "deletionTimestamp" not in item["metadata"]
    ]


def names_of(pods: list[Json]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods}


def inner_urls(name: str, status: Json, pods: list[Json]) -> list[str]:
    """Every way to an app from inside: its DNS name, its cluster IPs, and its pods' own ports."""
    urls = [status["clusterURL"]]
    for port in status["ports"]:
        udp = port["protocol"] == "UDP"
        scheme = "udp" if udp else urlsplit(status["clusterURL"]).scheme
        urls += [f"{scheme}://{host}:{port['port']}" for host in (name, *status["clusterIPs"])]
        for pod in pods:
            number = container_port(pod, port["targetPort"])
            urls.append(f"{scheme}://{pod['status']['podIP']}:{number}")
    return urls


def container_port(pod: Json, target: int | str) -> int:
    """The number of a targetPort, which can be a container port's name."""
    ports = (port for container in pod["spec"]["containers"] for port in container.get("ports", ()))
    named: dict[str, int] = {
        port["name"]: port["containerPort"] for port in ports if "name" in port
    }
    return target if isinstance(target, int) else named[target]


def answering_pods(url: str, requests: int) -> set[str]:
    """The pods that answer so many requests, each on a connection of its own."""
    return {request(url).split()[2] for _ in range(requests)}


@pytest.mark.parametrize("name", sorted({*NAMES} - {"external-name"}))
def test_every_address_answers(examples: Namespace, name: str) -> None:
    kind = app_in(EXAMPLES / f"{name}.yaml")["spec"].get("service", {}).get("type", "NodePort")
    examples.wait_ready(name)

    def all_answer() -> None:
        status = examples.status(name)
        pods = pods_of(examples, status)
        outer = status.get("urls", [])
        assert bool(outer) == (kind != "ClusterIP")
        answers = {url: request(url) for url in outer}
        inner = inner_urls(name, status, pods)
        answers |= zip(inner, request_inside(examples, inner), strict=True)
        answers["proxyPath"] = examples.kubectl("get", "--raw", status["proxyPath"])
        for url, answer in answers.items():
            known = names_of(pods) | ({PAGE} if name == "pod-template" else set())
            assert any(name in answer for name in known), f"{url} says {answer}"
            assert url.startswith("udp:") == answer.endswith("ping"), url

    eventually(all_answer)


def test_every_example_has_a_test_and_a_link() -> None:
    """Named as its app and as its test, and linked from the manual."""
    page = (ROOT / "docs" / "how-to" / "index.md").read_text()
    for file in FILES:
        assert app_in(file)["metadata"]["name"] == file.stem
        assert f"test_{file.stem.replace('-', '_')}" in globals(), f"{file.name} has no test"
        assert f"(../../deploy/examples/{file.name})" in page, f"{file.name} is not in the manual"


def test_hello(examples: Namespace) -> None:
    """Requests are spread over the pods."""
    status = examples.wait_ready("hello")["status"]

    def both_answer() -> None:
        assert answering_pods(status["url"], requests=60) == names_of(pods_of(examples, status))

    eventually(both_answer)
    assert status["replicas"] == 2


def test_recreate(examples: Namespace) -> None:
    examples.wait_ready("recreate")
    deployment = examples.get("deployment", "recreate")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["metadata"]["annotations"]["example.com/team"] == "shop"


def test_hello_fixed_port(examples: Namespace) -> None:
    status = examples.wait_ready("hello-fixed-port")["status"]
    nodes = node_addresses(examples).values()
    assert status["urls"] == sorted(f"http://{address}:30008" for address in nodes)


def test_several_ports(examples: Namespace) -> None:
    status = examples.wait_ready("several-ports")["status"]
    ports = {port["name"]: (port["port"], port["protocol"]) for port in status["ports"]}
    assert ports == {"web": (80, "TCP"), "echo": (80, "UDP"), "again": (8000, "TCP")}
    schemes = [urlsplit(url).scheme for url in status["urls"]]
    nodes = len(node_addresses(examples))
    assert (schemes.count("http"), schemes.count("udp")) == (2 * nodes, nodes)


def test_cluster_ip(examples: Namespace) -> None:
    status = examples.wait_ready("cluster-ip")["status"]
    assert status["url"] == status["clusterURL"] == f"http://cluster-ip.{examples.name}.svc:80"
    assert not any("nodePort" in port for port in status["ports"])


def test_load_balancer(examples: Namespace) -> None:
    """An address of a provider is listed, and the nodes' URLs before and after it."""
    before = examples.wait_ready("load-balancer")["status"]
    assert before["url"] in before["urls"]

    def give(*ingress: Json) -> None:
        patch = json.dumps({"status": {"loadBalancer": {"ingress": list(ingress)}}})
        how = ("--subresource=status", "--type=merge", "--patch", patch)
        examples.kubectl("patch", "service", "load-balancer", *how)

    def given() -> None:
        status = examples.status("load-balancer")
        assert status["loadBalancer"] == {"ingress": [{"ip": "192.0.2.80"}]}
        assert status["url"] == "http://192.0.2.80:80"
        assert {*status["urls"]} == {*before["urls"], status["url"]}

    def taken_away() -> None:
        status = examples.status("load-balancer")
        assert "loadBalancer" not in status
        assert status["url"] in before["urls"]
        assert status["urls"] == before["urls"]

    give({"ip": "192.0.2.80"})
    eventually(given)
    give()
    eventually(taken_away)


def test_external_name(examples: Namespace) -> None:
    """The app's name leads where the other name leads, and something answers there."""
    body = examples.wait_ready("external-name")
    target = body["spec"]["service"]["externalName"]
    full = f"external-name.{examples.name}.svc.cluster.local"
    code = (
        "import json, socket, sys; "
        "print(json.dumps([sorted(socket.gethostbyname_ex(it)[2]) for it in sys.argv[1:]]))"
    )

    def leads_there() -> None:
        short, long, other = json.loads(run_inside(examples, code, "external-name", full, target))
        assert short == long == other != []

    eventually(leads_there)
    (answer,) = eventually(
        lambda: request_inside(examples, [f"{body['status']['clusterURL']}/version"])
    )
    assert "gitVersion" in answer
    assert "urls" not in body["status"]
    assert "external-name" not in examples.names("deployments")


def test_existing_pods(examples: Namespace) -> None:
    """The StatefulSet's pods answer, and the operator makes none."""
    examples.kubectl("rollout", "status", "statefulset/counter", "--timeout=60s")
    url = examples.wait_ready("existing-pods")["status"]["url"]

    def both_answer() -> None:
        assert answering_pods(url, requests=40) == {"counter-0", "counter-1"}

    eventually(both_answer)
    assert "existing-pods" not in examples.names("deployments")


def test_pod_template(examples: Namespace) -> None:
    """Volume, second container, confinement and spread are as the file says."""
    status = examples.wait_ready("pod-template")["status"]
    pods = pods_of(examples, status)
    assert len({pod["spec"]["nodeName"] for pod in pods}) == len(pods) == 2
    for pod in pods:
        assert [container["name"] for container in pod["spec"]["containers"]] == ["app", "pages"]
    answers = eventually(lambda: [request(url) for url in status["urls"]])
    assert sum(PAGE in answer for answer in answers) == len(node_addresses(examples))
    for container in ("app", "pages"):
        write = ("python3", "-c", "print(open('/tmp/new', 'w'))")
        with pytest.raises(Refused, match="Read-only file system"):
            examples.kubectl("exec", "deployment/pod-template", "-c", container, "--", *write)


def test_https_and_path(examples: Namespace) -> None:
    """That the URLs answer at all shows that https is spoken there."""
    status = examples.wait_ready("https-and-path")["status"]
    paths = [(urlsplit(url).scheme, urlsplit(url).path) for url in status["urls"]]
    nodes = len(node_addresses(examples))
    assert sorted(paths) == [("https", "/admin")] * nodes + [("https", "/welcome")] * nodes
    assert status["url"].endswith("/welcome")
    ports = examples.get("service", "https-and-path")["spec"]["ports"]
    assert [port.get("appProtocol") for port in ports] == ["https", None]


def test_session_affinity(examples: Namespace) -> None:
    """One client, one pod, at every node; test_hello shows the opposite."""
    status = examples.wait_ready("session-affinity")["status"]
    assert status["endpoints"]["ready"] == 3

    def one_answers() -> None:
        for url in status["urls"]:
            assert len(answering_pods(url, requests=10)) == 1

    eventually(one_answers)


def test_local_traffic(examples: Namespace) -> None:
    """The nodes that are listed are those that run a pod, and each answers with its own."""
    examples.wait_ready("local-traffic")

    def each_answers_itself() -> None:
        status, addresses = examples.status("local-traffic"), node_addresses(examples)
        homes = {item["spec"]["nodeName"] for item in pods_of(examples, status)}
        by_host = {str(urlsplit(url).hostname): url for url in status["urls"]}
        assert by_host.keys() == {addresses[node] for node in homes}
        for node in homes:
            assert f" on {node}\n" in request(by_host[addresses[node]])

    eventually(each_answers_itself)


def test_autoscale(examples: Namespace) -> None:
    """The autoscaler finds the app and gives it its fewest pods, and the budget counts them."""
    examples.wait_ready("autoscale")

    def scaled() -> None:
        scaler = examples.get("hpa", "autoscale")
        assert condition(scaler["status"], "AbleToScale")["status"] == "True"
        assert examples.get("xapp", "autoscale")["spec"]["replicas"] == 2
        assert examples.status("autoscale")["readyReplicas"] == 2
        assert examples.get("pdb", "autoscale")["status"]["disruptionsAllowed"] == 1

    eventually(scaled)


def test_adopt(examples: Namespace) -> None:
    """The Deployment is the app's now, and no pod was restarted for it."""
    status = examples.wait_ready("adopt")["status"]
    deployment = examples.get("deployment", "adopt")
    (owner,) = deployment["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("ExposedApp", "adopt")
    assert status["selector"] == "app=shop"
    assert [
        container["name"] for container in pods_of(examples, status)[0]["spec"]["containers"]
    ] == ["shop"]
    assert len(examples.names("replicasets", selector="app=shop")) == 1
