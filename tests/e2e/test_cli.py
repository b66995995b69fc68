"""The command line as a person uses it, on the real cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from e2e.support import DEMO_IMAGE, ROOT, Json, Namespace, app, eventually


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str


def exposedapp(namespace: Namespace, *words: str, stdin: str | None = None) -> Done:
    """Runs a command in the namespace; no command ever shows a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "exposedapp.cli", *words, "--namespace", namespace.name],
        env={
            **os.environ,
            "KUBECONFIG": str(namespace.cluster.kubeconfig_path),
            "PYTHONPATH": str(ROOT / "operator"),
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def doctor(namespace: Namespace, name: str) -> tuple[int, Json]:
    """The doctor's exit code and report."""
    done = exposedapp(namespace, "doctor", name, "-o", "json")
    report: Json = json.loads(done.out)
    return done.code, report


def broken(report: Json) -> list[str]:
    """The steps that are."""
    return [it["step"] for it in report["steps"] if it["ok"] is False]


@contextmanager
def dropped(node: str, port: int) -> Iterator[None]:
    """A firewall on one node that drops what comes in for a port."""
    rule = ["-p", "tcp", "--dport", str(port), "-j", "DROP"]
    iptables = ["docker", "exec", node, "iptables", "-t", "raw"]
    subprocess.run([*iptables, "-I", "PREROUTING", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run([*iptables, "-D", "PREROUTING", *rule], check=True)


def test_from_nothing_to_a_firewall(namespace: Namespace) -> None:
    words = ["--image", DEMO_IMAGE, "--port", "80:8080", "--port", "80:8080/udp"]
    made = exposedapp(namespace, "create", "hello", *words, "--wait")
    assert made.code == 0, made.err
    url = made.out.splitlines()[-1]

    waited = exposedapp(namespace, "wait", "hello", "--timeout", "60s")
    assert (waited.code, waited.out) == (0, f"hello is ready: {url}\n")

    ways = json.loads(exposedapp(namespace, "urls", "hello", "-o", "json").out)
    assert ways["url"] == url
    assert len(ways["urls"]) == 6

    code, report = doctor(namespace, "hello")
    assert (code, report["code"], broken(report)) == (0, "Fine", []), report

    node, address = worker(namespace)
    port = urlsplit(url).port
    assert port is not None
    with dropped(node, port):
        code, report = doctor(namespace, "hello")
    assert (code, report["code"], broken(report)) == (1, "Filtered", ["url"]), report
    assert f"{address} ({node})" in report["diagnosis"]
    assert f"TCP {port}" in report["diagnosis"]


def worker(namespace: Namespace) -> tuple[str, str]:
    """A node that is not the control plane, and its address."""
    nodes = json.loads(namespace.kubectl("get", "nodes", "-o", "json"))["items"]
    node = next(
        it
        for it in nodes
        if "node-role.kubernetes.io/control-plane" not in it["metadata"]["labels"]
    )
    address = next(
        it["address"] for it in node["status"]["addresses"] if it["type"] == "InternalIP"
    )
    return node["metadata"]["name"], address


def test_what_is_wrong_with_the_sick(namespace: Namespace) -> None:
    namespace.apply(
        app("no-image", image="exposedapp/none:dev"),
        app("deaf", ports=[{"port": 80, "targetPort": 9999}]),
        app("local", service={"externalTrafficPolicy": "Local"}),
        app("asleep", replicas=0),
    )

    def examined(name: str, expected: str) -> Json:
        code, report = doctor(namespace, name)
        assert (code, report["code"]) == (1, expected), report
        return report

    report = eventually(lambda: examined("deaf", "NothingListens"))
    assert broken(report)[0] == "container port"
    assert "9999" in report["diagnosis"]

    assert "kubectl scale" in examined("asleep", "ScaledToZero")["diagnosis"]

    # Nodes without a pod are not listed, so there is nothing wrong with them.
    namespace.wait_ready("local")
    code, report = doctor(namespace, "local")
    assert (code, report["code"]) == (0, "Fine"), report
    assert len([it for it in report["steps"] if it["step"] == "url"]) == 1

    assert doctor(namespace, "nothere")[0] == 3

    # Last, since the kubelet takes its time to give up.
    namespace.kubectl(
        "wait", "xapp/no-image", "--for=jsonpath={.status.conditions[0].reason}=ImagePullBackOff"
    )
    report = examined("no-image", "NoReadyPod")
    assert broken(report)[0] == "pods"
    assert "The image cannot be pulled" in report["diagnosis"]


def test_kubectl_takes_what_render_and_dry_run_show(namespace: Namespace) -> None:
    words = ["--image", DEMO_IMAGE, "--port", "80:8080", "--replicas", "0"]
    shown = exposedapp(namespace, "create", "shown", *words, "--dry-run").out
    namespace.kubectl("apply", "--dry-run=server", "-f", "-", stdin=shown)

    rendered = exposedapp(namespace, "render", "-f", "-", stdin=shown).out
    assert [it["kind"] for it in yaml.safe_load_all(rendered)] == ["Deployment", "Service"]
    namespace.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=rendered)
