# SPDX-License-Identifier: Apache-2.0
"""Two operators in the cluster: the standby takes over from a leader that is deleted or killed."""

import json
import subprocess
import time
from collections.abc import Callable

import pytest

from e2e.conftest import PODS, REPLICAS, Operator
from e2e.support import Namespace, app, eventually

DEADLINE_SECONDS = 90


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""

    def check() -> None:
        assert condition()

    eventually(check, DEADLINE_SECONDS)


def holder(operator: Operator) -> str:
    """The name of the pod that leads."""
    lease = operator.namespace.get("lease", "exposedapp")
    return str(lease["spec"].get("holderIdentity", "")).rpartition("_")[0]


def ready_pods(operator: Operator) -> dict[str, str]:
    """The names of the operator's pods that are ready, and the node of each."""
    pods = json.loads(operator.namespace.kubectl("get", "pods", *PODS, "-o", "json"))["items"]
    return {
        pod["metadata"]["name"]: pod["spec"]["nodeName"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and any(
            (condition["type"], condition["status"]) == ("Ready", "True")
            for condition in pod["status"].get("conditions", ())
        )
    }


def delete(operator: Operator, pod: str, _: str) -> None:
    operator.namespace.kubectl("delete", "pod", pod, "--wait=false")


def kill(operator: Operator, pod: str, node: str) -> None:
    """SIGKILL from the node: within a pod the first process ignores it (pid_namespaces(7))."""
    uid = operator.namespace.get("pod", pod)["metadata"]["uid"]
    for form in (uid, uid.replace("-", "_")):
        script = f"grep -l {form} /proc/[0-9]*/cgroup | cut -d/ -f3"
        command = ["docker", "exec", node, "sh", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if processes := done.stdout.split():
            subprocess.run(["docker", "exec", node, "kill", "-9", *processes], check=False)


@pytest.fixture(autouse=True)
def all_ready(operator: Operator) -> None:
    wait_for(lambda: len(ready_pods(operator)) == REPLICAS and holder(operator))


def test_the_operators_are_on_different_nodes(operator: Operator) -> None:
    assert len(set(ready_pods(operator).values())) == REPLICAS


@pytest.mark.parametrize("end", [delete, kill])
def test_the_standby_takes_over(
    operator: Operator,
    namespace: Namespace,
    end: Callable[[Operator, str, str], None],
    record_property: Callable[[str, object], None],
) -> None:
    leader = holder(operator)
    end(operator, leader, ready_pods(operator)[leader])
    start = time.monotonic()
    namespace.apply(app("later"))
    wait_for(lambda: holder(operator) not in ("", leader))
    record_property("seconds until another leads", round(time.monotonic() - start, 1))
    wait_for(lambda: namespace.status("later").get("url"))
    record_property("seconds until the app has a URL", round(time.monotonic() - start, 1))
    wait_for(lambda: len(ready_pods(operator)) == REPLICAS)


def test_a_rolling_update_leaves_a_leader(operator: Operator, namespace: Namespace) -> None:
    before = set(ready_pods(operator))
    operator.namespace.kubectl("rollout", "restart", "deployment/exposedapp")
    operator.namespace.kubectl("rollout", "status", "deployment/exposedapp", "--timeout=120s")
    wait_for(lambda: holder(operator) in set(ready_pods(operator)) - before)
    namespace.apply(app("after"))
    wait_for(lambda: namespace.status("after").get("url"))
