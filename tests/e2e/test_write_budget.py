# SPDX-License-Identifier: Apache-2.0
"""How many writes things cost, by the API server's own counters."""

import json

from e2e.conftest import Operator
from e2e.support import Namespace, WriteCounter, app, eventually

HEARTBEATS = 100


def test_a_new_app_and_a_restart(namespace: Namespace, operator: Operator) -> None:
    """By the API server's own counters: three writes for a new app, none at a restart."""
    writes = WriteCounter(namespace)
    namespace.apply(app("budget", replicas=0))
    namespace.wait_ready("budget")
    assert writes.since_start() == {
        "POST exposedapps": 1,  # the test's own
        "APPLY deployments": 1,
        "APPLY services": 1,
        "PATCH exposedapps/status": 1,
    }

    namespace.kubectl("annotate", "service/budget", "note=not-the-operators-business")
    assert writes.since_start() == {"PATCH services": 1}  # the test's own

    namespace.apply(app("running"))
    namespace.wait_ready("running")
    writes.since_start()
    operator.stop()
    operator.start()
    assert writes.since_start() == {}


def test_an_app_with_pods(namespace: Namespace) -> None:
    writes = WriteCounter(namespace)
    namespace.apply(app("pods", replicas=2))
    namespace.wait_ready("pods")
    created = writes.since_start()
    assert created.pop("POST exposedapps") == 1
    assert created["APPLY deployments"] == created["APPLY services"] == 1
    assert sum(created.values()) <= 6, created

    namespace.apply(app("pods", replicas=2, ports=[{"port": 81, "targetPort": 8080}]))
    eventually(lambda: _has_port(namespace, "pods", 81))
    changed = writes.since_start()
    assert changed.pop("PATCH exposedapps") == 1
    assert sum(changed.values()) <= 2, changed

    namespace.apply(app("pods", replicas=2, env=[{"name": "A", "value": "b"}]))
    eventually(lambda: namespace.wait_ready("pods"))
    rolled = writes.since_start()
    assert rolled.pop("PATCH exposedapps") == 1
    assert rolled.pop("APPLY services") == 1  # the port goes back, too
    assert sum(rolled.values()) <= 4, rolled


def _has_port(namespace: Namespace, name: str, port: int) -> None:
    assert [port["port"] for port in namespace.status(name)["ports"]] == [port]


def test_heartbeats(namespace: Namespace, operator: Operator) -> None:
    """Kubelets tell again and again what has not changed."""
    namespace.apply(app("near", replicas=0))
    namespace.wait_ready("near")
    node = "exposedapp-worker"
    writes = WriteCounter(namespace)
    conditions = json.loads(namespace.kubectl("get", "node", node, "-o", "json"))["status"]
    for number in range(HEARTBEATS):
        beat = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
        beats = [{**condition, "lastHeartbeatTime": beat} for condition in conditions["conditions"]]
        patch = json.dumps({"status": {"conditions": beats}})
        namespace.kubectl(
            "patch", "node", node, "--subresource=status", "--type=merge", "-p", patch
        )
    assert writes.since_start() == {}


def test_probes_with_the_same_result(namespace: Namespace, operator: Operator) -> None:
    namespace.apply(app("steady", probe={"periodSeconds": 1}))
    namespace.wait_ready("steady")
    writes = WriteCounter(namespace)
    before = _probes(operator)

    def tried_often() -> None:
        assert _probes(operator) >= before + 30

    eventually(tried_often)
    assert writes.since_start() == {}


def _probes(operator: Operator) -> float:
    """How many tries of URLs have been answered, by the operator's own metrics."""
    path = f"/api/v1/namespaces/{operator.namespace.name}/services/exposedapp-metrics:metrics/proxy"
    lines = operator.namespace.kubectl("get", "--raw", f"{path}/metrics").splitlines()
    (line_of_ok,) = (
        line for line in lines if line.startswith('exposedapp_probe_results_total{result="ok"}')
    )
    return float(line_of_ok.rpartition(" ")[2])
