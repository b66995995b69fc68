"""The commands as they are typed, against a cluster that answers from a table."""

import asyncio
import json
import subprocess
import sys
import tomllib
import webbrowser
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from typer.testing import CliRunner, Result

from exposedapp.api.meta import Json
from exposedapp.cli.client import Server, heard
from exposedapp.cli.commands import app
from exposedapp.cli.doctor import gather
from exposedapp.cli.doctor.dial import dial
from exposedapp.cli.doctor.facts import Attempt, Outcome
from exposedapp.cli.exit_codes import EXIT_CODES
from exposedapp.kube.errors import ApiError
from exposedapp.version import __version__

ROOT = Path(__file__).parents[3]
APPS = "/apis/exposedapp.dev/v1alpha1/namespaces/shop/exposedapps"
API = "/apis/exposedapp.dev/v1alpha1"
HELLO: Json = {
    "apiVersion": "exposedapp.dev/v1alpha1",
    "kind": "ExposedApp",
    "metadata": {"name": "hello", "namespace": "shop", "generation": 1},
    "spec": {"image": "demo:1", "replicas": 1, "ports": [{"port": 80}]},
    "status": {
        "observedGeneration": 1,
        "url": "http://10.0.0.1:30008",
        "urls": ["http://10.0.0.1:30008", "http://[fd00::1]:30008"],
        "clusterURL": "http://hello.shop.svc:80",
        "proxyPath": "/api/v1/namespaces/shop/services/hello:80/proxy/",
        "clusterIPs": ["10.96.0.9"],
        "nodes": {"eligible": 1, "listed": 1},
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30008, "protocol": "TCP"}],
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Available",
                "message": "1 of 1 pods are ready.",
                "observedGeneration": 1,
            }
        ],
    },
}
POD: Json = {
    "metadata": {"name": "hello-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}
SLICE: Json = {
    "endpoints": [{"targetRef": {"name": "hello-1"}, "nodeName": "one"}],
    "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
}


class Table(Server):
    """A cluster of canned answers; a list is one answer after the other."""

    namespace = "shop"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Json | None]] = []
        self.listening: bool | None = True
        self.answers: dict[str, Any] = {
            f"{APPS}/hello": HELLO,
            API: {"resources": [{"name": "exposedapps"}]},
            f"{API}/exposedapps": {"items": []},
            "/api/v1/namespaces/shop/services/hello": {
                "spec": {"type": "NodePort", "ports": HELLO["status"]["ports"]}
            },
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices": {"items": [SLICE]},
            "/api/v1/namespaces/shop/pods": {"items": [POD]},
            "/api/v1/namespaces/shop/events": {"items": []},
            "/api/v1/nodes": {"items": []},
        }

    async def close(self) -> None:
        pass

    async def listens(self, pod: str, port: int) -> bool | None:
        return self.listening

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str | None = None,
        accept: str = "",
    ) -> Json:
        self.sent.append((method, path, body))
        answer = self.answers.get(path.partition("?")[0])
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            raise ApiError(404, "NotFound", f"{path} not found")
        found: Json = answer
        return found


Run = Callable[..., Result]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Table:
    found = Table()

    async def connect(context: str | None, namespace: str | None) -> Table:
        found.namespace = namespace or "shop"
        return found

    monkeypatch.setattr(Server, "connect", connect)
    return found


@pytest.fixture
def run(cluster: Table) -> Run:
    return lambda *words, stdin=None: CliRunner().invoke(app, words, input=stdin)


def changed(**status: Any) -> Json:
    return {**HELLO, "status": {**HELLO["status"], **status}}


def asking(spec: Json, **status: Any) -> Json:
    return {**changed(**status), "spec": {**HELLO["spec"], **spec}}


def not_ready(reason: str, *also: str) -> Json:
    one = {"reason": reason, "message": "Words.", "observedGeneration": 1}
    return changed(
        conditions=[
            {"type": "Ready", "status": "False", **one},
            *({"type": it, "status": "True", **one} for it in also),
        ]
    )


# --- create -------------------------------------------------------------------------------------


def test_create_sends_what_dry_run_shows(run: Run, cluster: Table) -> None:
    cluster.answers[APPS] = HELLO
    words = ("create", "hello", "--image", "demo:1", "--port", "80:8080", "--env", "A=b")
    shown = run(*words, "--dry-run")
    assert shown.exit_code == 0
    assert cluster.sent == []
    made = run(*words)
    assert (made.exit_code, made.stdout) == (0, "exposedapp/hello created in namespace shop\n")
    assert [(method, body) for method, _, body in cluster.sent] == [
        ("POST", yaml.safe_load(shown.stdout))
    ]


def test_create_as_yaml() -> None:
    words = ["create", "hello", "--image", "demo:1", "--port", "80", "--type", "clusterip"]
    shown = CliRunner().invoke(app, [*words, "--dry-run", "-n", "shop"])
    assert shown.stdout == (
        "apiVersion: exposedapp.dev/v1alpha1\n"
        "kind: ExposedApp\n"
        "metadata:\n"
        "  name: hello\n"
        "  namespace: shop\n"
        "spec:\n"
        "  image: demo:1\n"
        "  ports:\n"
        "  - port: 80\n"
        "  service:\n"
        "    type: ClusterIP\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "x"],
        ["--port", "80", "--port", "80"],
        ["--port", "80", "--env", "A"],
        ["--port", "80", "--replicas", "-1"],
        ["--port", "80", "--type", "ExternalName"],
        ["--port", "80@30008", "--type", "ClusterIP"],
        ["--port", "80", "--timeout", "soon"],
        ["--port", "80", "-n", "no/name"],
        ["--port", "80@30008", "--port", "81@30008"],
        ["--port", "80", "--image", "demo: 1"],
        [],
    ],
)
def test_wrong_usage(run: Run, cluster: Table, words: list[str]) -> None:
    done = run("create", "hello", "--image", "demo:1", *words)
    assert done.exit_code == 2
    assert done.stderr
    assert cluster.sent == []


def test_the_server_says_no(run: Run, cluster: Table) -> None:
    cluster.answers[APPS] = ApiError(409, "AlreadyExists", 'exposedapps "hello" already exists')
    done = run("create", "hello", "--image", "demo:1", "--port", "80")
    assert (done.exit_code, done.stderr) == (4, 'Error: exposedapps "hello" already exists\n')


# --- urls, open, wait ---------------------------------------------------------------------------


def test_urls_in_lines(run: Run) -> None:
    assert run("urls", "hello").stdout == (
        "url\thttp://10.0.0.1:30008\n"
        "urls\thttp://10.0.0.1:30008\n"
        "urls\thttp://[fd00::1]:30008\n"
        "clusterURL\thttp://hello.shop.svc:80\n"
        "proxyPath\t/api/v1/namespaces/shop/services/hello:80/proxy/\n"
        "clusterIP\t10.96.0.9\n"
        "port\t80/TCP -> 8080, node port 30008\n"
    )


def test_urls_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = run("urls", "hello").stdout
    assert "\x1b[" in shown
    assert "http://[fd00::1]:30008" in shown  # not read as markup
    assert run("urls", "hello", "-o", "plain").stdout.startswith("url\thttp")


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_urls_for_programs(run: Run, form: str, read: Callable[[str], Json]) -> None:
    found = read(run("urls", "hello", "-o", form).stdout)
    assert found == {key: HELLO["status"][key] for key in found}
    assert {"url", "urls", "clusterURL", "proxyPath", "clusterIPs", "ports"} == found.keys()


def test_no_address_yet(run: Run, cluster: Table) -> None:
    cluster.answers[f"{APPS}/hello"] = {**HELLO, "status": {"observedGeneration": -1}}
    done = run("urls", "hello")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "hello has no address yet. NotObserved" in done.stderr


def test_words_from_the_cluster_do_not_steer_the_terminal(run: Run, cluster: Table) -> None:
    cluster.answers[f"{APPS}/hello"] = changed(url="http://a\x1b]0;b\x07", urls=[])
    assert "\x1b" not in run("urls", "hello").stdout


def test_open(run: Run, cluster: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Mock(return_value=True)
    monkeypatch.setattr(webbrowser, "open", browser)
    assert run("open", "hello").stdout == "http://10.0.0.1:30008\n"
    browser.assert_called_once_with("http://10.0.0.1:30008")
    browser.reset_mock()

    cluster.answers[f"{APPS}/hello"] = changed(url="file:///etc/passwd")
    assert run("open", "hello").exit_code == 0
    cluster.answers[f"{APPS}/hello"] = changed(url="http://hello.shop.svc:80")
    assert run("open", "hello").exit_code == 1
    cluster.answers[f"{APPS}/hello"] = not_ready("ImagePullBackOff")
    done = run("open", "hello")
    assert done.exit_code == 1
    assert "hello is not ready. ImagePullBackOff: Words." in done.stderr
    browser.assert_not_called()


def test_open_of_what_is_inside_only_names_the_port(run: Run, cluster: Table) -> None:
    inside = {"url": "http://hello.shop.svc:80", "urls": []}
    cluster.answers[f"{APPS}/hello"] = changed(**inside)
    told = run("open", "hello").stderr
    assert "`kubectl port-forward -n shop service/hello 8080:80`, then localhost:8080" in told

    udp = {"port": 53, "targetPort": 53, "protocol": "UDP"}
    cluster.answers[f"{APPS}/hello"] = changed(**inside, ports=[udp])
    assert "`kubectl port-forward` knows TCP only" in run("open", "hello").stderr

    elsewhere = {"image": None, "service": {"type": "ExternalName", "externalName": "a.example"}}
    cluster.answers[f"{APPS}/hello"] = asking(elsewhere, **inside)
    assert "it stands for a.example: open that" in run("open", "hello").stderr


def test_wait_until_it_is_ready(run: Run, cluster: Table) -> None:
    old = {**HELLO, "metadata": {**HELLO["metadata"], "generation": 2}}  # ready, but not this spec
    passing = ApiError(0, "NoAnswer", "no answer")
    answers = cluster.answers[f"{APPS}/hello"] = [old, not_ready("Progressing"), passing, HELLO]
    done = run("wait", "hello")
    assert answers == [HELLO]
    assert (done.exit_code, done.stdout) == (0, "hello is ready: http://10.0.0.1:30008\n")


@pytest.mark.parametrize(
    ("answers", "code", "told"),
    [
        ([not_ready("Progressing")], 1, "hello is not ready after 1 s. Progressing: Words."),
        ([not_ready("NotOwned", "Stalled")], 1, "hello cannot become ready. NotOwned: Words."),
        ([HELLO | {"status": {}}, None], 3, "there is no ExposedApp hello in namespace shop"),
        ([ApiError(403, "Forbidden", "may not")], 4, "may not"),
        ([ApiError(0, "NoAnswer", "no answer from the API server")], 4, "no answer"),
    ],
)
def test_wait_in_vain(run: Run, cluster: Table, answers: list[Any], code: int, told: str) -> None:
    cluster.answers[f"{APPS}/hello"] = answers
    done = run("wait", "hello", "--timeout", "1s")
    assert done.exit_code == code
    assert told in done.stderr


@pytest.mark.parametrize("command", ["urls", "open", "wait"])
def test_no_such_app(run: Run, command: str) -> None:
    done = run(command, "nothere")
    assert (done.exit_code, done.stdout) == (3, "")


def test_a_cluster_without_the_operator(run: Run, cluster: Table) -> None:
    del cluster.answers[API]
    done = run("doctor", "nothere")
    assert done.exit_code == 4
    assert "install the operator" in done.stderr


# --- render, doctor -----------------------------------------------------------------------------


def test_render_reads_files_and_the_input(run: Run, tmp_path: Path) -> None:
    text = yaml.safe_dump_all([HELLO, {**HELLO, "metadata": {"name": "other"}}])
    (tmp_path / "apps.yaml").write_text(text)
    shown = run("render", "-f", str(tmp_path / "apps.yaml")).stdout
    names = [(it["kind"], it["metadata"]["name"]) for it in yaml.safe_load_all(shown)]
    assert names == [
        (kind, name) for name in ("hello", "other") for kind in ("Deployment", "Service")
    ]
    assert run("render", "-f", "-", stdin=text).stdout == shown
    listed = json.loads(run("render", "-f", "-", "-o", "json", stdin=text).stdout)
    assert listed["items"] == list(yaml.safe_load_all(shown))


@pytest.mark.parametrize("text", ["", "a: [", "kind: ConfigMap", "kind: ExposedApp"])
def test_render_of_nothing(run: Run, text: str) -> None:
    done = run("render", "-f", "-", stdin=text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: standard input")
    assert run("render", "-f", "/no/such/file").exit_code == 2


@pytest.fixture
def dials(monkeypatch: pytest.MonkeyPatch) -> dict[str, Attempt]:
    found: dict[str, Attempt] = {}

    async def dial(url: str) -> Attempt:
        return found.get(url) or Attempt(url, Outcome.ANSWERED, 200)

    monkeypatch.setattr(gather.gather, "__defaults__", (dial,))
    return found


def test_doctor_in_words(run: Run, dials: dict[str, Attempt]) -> None:
    done = run("doctor", "hello")
    assert done.exit_code == 0
    assert done.stdout == (
        "✓ resource        generation 1 answered: Ready, Available\n"
        "✓ pods            1 of 1 ready\n"
        "✓ endpoints       1 gets traffic\n"
        "✓ container port  8080 listens\n"
        "✓ service         NodePort, 80/TCP -> 8080, node port 30008\n"
        "✓ node port       at 1 node\n"
        "✓ url             http://10.0.0.1:30008: HTTP 200\n"
        "✓ url             http://[fd00::1]:30008: HTTP 200\n"
        "\n"
        "Every URL that was tried from here answers.\n"
    )


def test_doctor_for_programs(run: Run, cluster: Table, dials: dict[str, Attempt]) -> None:
    url = "http://10.0.0.1:30008"
    dials[url] = Attempt(url, Outcome.REFUSED)
    done = run("doctor", "hello", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["code"]) == (1, "Refused")
    assert found["steps"][6] == {"step": "url", "ok": False, "detail": f"{url}: refused"}
    cluster.listening = False
    assert json.loads(run("doctor", "hello", "-o", "json").stdout)["code"] == "NothingListens"
    assert json.loads(run("doctor", "no", "-o", "json").stdout)["code"] == "NoSuchApp"
    assert run("doctor", "no", "-o", "json").exit_code == 3


@pytest.mark.parametrize(
    "url", ["http://[10.0.0.1:8080]:30008", "http://10.0.0.1:99999", "http://10.0.0.1:80:30008"]
)
def test_a_url_that_is_none(
    run: Run, cluster: Table, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(gather.gather, "__defaults__", (dial,))
    spec = {"nodes": {"host": "10.0.0.1:8080"}}
    cluster.answers[f"{APPS}/hello"] = asking(spec, url=url, urls=[url])
    done = run("doctor", "hello", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["code"]) == (1, "InvalidURL")
    assert "Change spec.nodes.host (10.0.0.1:8080)" in found["diagnosis"]
    assert found["steps"][-1] == {"step": "url", "ok": False, "detail": f"{url}: no valid URL"}


def test_what_is_not_tcp_is_not_tried_whatever_its_scheme(
    run: Run, cluster: Table, dials: dict[str, Attempt]
) -> None:
    spec = {
        "ports": [
            {"name": "web", "port": 443, "scheme": "https"},
            {"name": "quic", "port": 443, "protocol": "UDP", "scheme": "quic"},
        ]
    }
    ports = [
        {"name": "web", "port": 443, "targetPort": 443, "nodePort": 30008, "protocol": "TCP"},
        {"name": "quic", "port": 443, "targetPort": 443, "nodePort": 30009, "protocol": "UDP"},
    ]
    urls = ["https://10.0.0.1:30008", "quic://10.0.0.1:30009", "quic://localhost:8443"]
    cluster.answers[f"{APPS}/hello"] = asking(spec, urls=urls, ports=ports)
    steps = json.loads(run("doctor", "hello", "-o", "json").stdout)["steps"]
    assert [it["detail"] for it in steps if it["step"] == "url"] == [
        "quic://localhost:8443: not tried",
        "https://10.0.0.1:30008: HTTP 200",
        "quic://10.0.0.1:30009: not tried",
    ]


def test_nodes_that_are_not_listed(run: Run, cluster: Table, dials: dict[str, Attempt]) -> None:
    def node(number: int, ready: str) -> Json:
        return {
            "metadata": {"name": f"n{number}"},
            "status": {
                "addresses": [{"type": "InternalIP", "address": f"10.0.0.{number}"}],
                "conditions": [{"type": "Ready", "status": ready}],
            },
        }

    six = {"type": "InternalIP", "address": "FD00:0::1"}
    one = node(1, "True")
    one["status"]["addresses"].append(six)
    cluster.answers["/api/v1/nodes"] = {"items": [one, node(2, "False")]}
    done = run("doctor", "hello")
    assert "http://[fd00::1]:30008 (n1): HTTP 200" in done.stdout
    assert "- not listed      n2: not ready\n" in done.stdout
    assert done.exit_code == 0
    steps = json.loads(run("doctor", "hello", "-o", "json").stdout)["steps"]
    assert {"step": "not listed", "ok": None, "detail": "n2: not ready"} in steps


def test_too_many_urls(run: Run, cluster: Table, dials: dict[str, Attempt]) -> None:
    many = [f"http://10.0.0.{node}:{port}" for node in range(50) for port in (30009, 30008)]
    cluster.answers[f"{APPS}/hello"] = changed(urls=many)
    steps = json.loads(run("doctor", "hello", "-o", "json").stdout)["steps"]
    tried = [it["detail"] for it in steps if it["step"] == "url"]
    assert tried[-1] == "36 more: not tried"
    assert sum(":30008" in it for it in tried) == 50


async def test_only_so_many_at_a_time(cluster: Table) -> None:
    now = most = 0

    async def slow(url: str) -> Attempt:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return Attempt(url, Outcome.ANSWERED, 200)

    urls = [f"http://10.0.0.{node}:30008" for node in range(50)]
    cluster.answers[f"{APPS}/hello"] = changed(urls=urls)
    await gather.gather(cluster, "hello", slow)
    assert most == gather.MAX_IN_FLIGHT


def test_the_last_warning_is_a_pods_own_word(
    run: Run, cluster: Table, dials: dict[str, Attempt]
) -> None:
    waiting = {"type": "Ready", "status": "False"}
    cluster.answers["/api/v1/namespaces/shop/pods"] = {
        "items": [{**POD, "status": {"conditions": [waiting]}}]
    }
    cluster.answers["/api/v1/namespaces/shop/events"] = {
        "items": [
            {"lastTimestamp": "2026-01-01T00:00:02Z", "message": "Readiness probe failed: 404"},
            {"lastTimestamp": "2026-01-01T00:00:01Z", "message": "Earlier"},
        ]
    }
    cluster.answers[f"{APPS}/hello"] = not_ready("Progressing")
    said = json.loads(run("doctor", "hello", "-o", "json").stdout)
    assert said["code"] == "NoReadyPod"
    assert "Pod hello-1: Readiness probe failed: 404." in said["diagnosis"]


@pytest.mark.parametrize(
    ("status", "body", "listens"),
    [
        (
            503,
            "error trying to reach service: dial tcp 1.2.3.4:9: connect: connection refused",
            False,
        ),
        (503, "error trying to reach service: dial tcp 1.2.3.4:9: i/o timeout", None),
        (503, "error trying to reach service: EOF", True),
        (503, "we are closed", True),
        (403, 'pods "a" is forbidden: cannot get resource "pods/proxy"', None),
        (403, "members only", True),
    ],
)
def test_what_the_proxys_errors_say(status: int, body: str, listens: bool | None) -> None:
    assert heard(status, body) is listens


# --- the whole ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", "create", "urls", "open", "wait", "render", "doctor"])
def test_help_tells_the_exit_codes(run: Run, command: str) -> None:
    shown = run(*filter(None, [command]), "--help")
    assert shown.exit_code == 0
    assert EXIT_CODES in " ".join(shown.stdout.split())


def test_version(run: Run) -> None:
    shown = run("--version")
    assert (shown.exit_code, shown.stdout) == (0, f"exposedapp {__version__}\n")


COMPLETE = "from exposedapp.cli.__main__ import complete; complete()"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["do"], ["doctor", ":4"]),
        (["create", "x", "--ty"], ["--type", ":4"]),
        (["create", "x", "--type", ""], ["NodePort", "ClusterIP", "LoadBalancer", ":4"]),
        (["create", "x y", "--env", "A='", "--rep"], ["--replicas", ":4"]),
        (["urls", "x", "-o", ""], ["json", "yaml", "plain", ":4"]),
        (["doctor", ""], [":4"]),
        (["render", "-f", ""], [":0"]),
        ([""], ["create", "urls", "open", "wait", "render", "doctor", ":4"]),
    ],
)
def test_kubectl_asks_what_could_follow(words: list[str], found: list[str]) -> None:
    """In a process of its own, as kubectl does it."""
    done = subprocess.run(
        [sys.executable, "-c", COMPLETE, *words],
        env={"PYTHONPATH": "operator"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [it.partition("\t")[0] for it in done.stdout.splitlines()] == found
    assert done.stderr == ""


def test_kubectl_finds_the_plugin_and_what_completes_it() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"kubectl-exposedapp", "kubectl_complete-exposedapp"} <= scripts.keys()
    for script in scripts.values():
        module, _, function = script.partition(":")
        assert callable(getattr(import_module(module), function))


def test_the_operator_does_not_load_it() -> None:
    assert "exposedapp.cli" not in (ROOT / "deploy" / "Dockerfile").read_text()
    assert "typer" not in (ROOT / "requirements.lock").read_text()


def test_the_client_library_is_loaded_only_for_what_needs_a_cluster() -> None:
    code = "import sys, exposedapp.cli.commands; sys.exit('kubernetes' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "operator"}, cwd=ROOT, check=False
    )
    assert done.returncode == 0


def test_without_typer_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from exposedapp.cli.__main__ import complete, main

    monkeypatch.delitem(sys.modules, "exposedapp.cli.commands")
    monkeypatch.setitem(sys.modules, "typer", None)
    for script in (main, complete):
        with pytest.raises(SystemExit, match=r"pip install 'exposedapp\[cli\]'"):
            script()
