# SPDX-License-Identifier: Apache-2.0
"""etcd is restored from a backup: what was written since is undone, and revisions go back.

In the order that Kubernetes' documentation on restoring etcd asks for: no API server runs
meanwhile, and whatever caches its objects is restarted. Named to run last on its cluster.
"""

from collections.abc import Iterator
from functools import partial

import pytest
from pytest_kind import KindCluster

from e2e.conftest import namespace_of
from e2e.support import Namespace, app, eventually, fetch, on_node

NODE = "exposedapp-single-control-plane"
MANIFESTS = "/etc/kubernetes/manifests"
STOPPED_MANIFESTS = "/etc/kubernetes/stopped"
DATA = "/var/lib/etcd/member"
BACKUP = "/var/lib/etcd-backup"
OUTAGE_SECONDS = 180.0
RESTORED_SECONDS = 300.0
"""Until the operator works again. Its pods end when the Lease is lost, at each outage here, and
when revisions go back; the kubelet waits longer each time before it starts them again, up to 160 s
for the fifth, and Kubernetes' own components are restarted in the same way."""


@pytest.fixture
def shop(single_node: KindCluster) -> Iterator[Namespace]:
    with namespace_of(single_node) as namespace:
        yield namespace


def stop(*components: str) -> None:
    """The kubelet stops a static pod whose manifest is moved away."""
    for component in components:
        on_node(NODE, "mkdir", "-p", STOPPED_MANIFESTS)
        on_node(NODE, "mv", f"{MANIFESTS}/{component}.yaml", STOPPED_MANIFESTS)
        eventually(partial(is_stopped, component), OUTAGE_SECONDS)


def is_stopped(component: str) -> None:
    """No process of it runs; the kernel keeps 15 characters of a name."""
    assert on_node(NODE, "sh", "-c", f"pgrep -x {component[:15]} || true") == ""


def start(namespace: Namespace, *components: str) -> None:
    """Start them in this order, and wait until the API server serves apps."""
    for component in components:
        on_node(NODE, "mv", f"{STOPPED_MANIFESTS}/{component}.yaml", MANIFESTS)

    def is_served() -> None:
        assert namespace.kubectl("get", "--raw", "/readyz") == "ok"
        namespace.kubectl("get", "xapp")

    eventually(is_served, OUTAGE_SECONDS)


def restart_what_caches() -> None:
    """kube-proxy as well: its watch, too, waits for revisions that went back.

    The API server removes its endpoint when it is stopped; the restore brings it back without an
    event, and the Service kubernetes would have none.
    """
    for component in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        on_node(NODE, "sh", "-c", f"pkill -x {component[:15]} || true")
    on_node(NODE, "systemctl", "restart", "kubelet")


def test_apps_are_as_the_backup_says(shop: Namespace) -> None:
    shop.apply(app("kept"), app("deleted", replicas=0))
    kept = shop.wait_ready("kept")["status"]
    port = shop.wait_ready("deleted")["status"]["ports"][0]["nodePort"]
    stop("etcd")
    on_node(NODE, "sh", "-c", f"rm -rf {BACKUP} && cp -a {DATA} {BACKUP}")
    start(shop, "etcd")

    # After the backup: one app is created, one deleted, one changed.
    shop.apply(app("lost", replicas=0))
    shop.wait_ready("lost")
    shop.kubectl("delete", "xapp", "deleted", "--cascade=foreground", "--timeout=60s")
    changed = app("kept", ports=[{"port": 81, "targetPort": 8080}])
    shop.apply(changed)
    eventually(partial(has_port, shop, 81))

    stop("kube-apiserver", "etcd")
    on_node(NODE, "sh", "-c", f"rm -rf {DATA} && mv {BACKUP} {DATA}")
    start(shop, "etcd", "kube-apiserver")
    restart_what_caches()

    eventually(partial(has_port, shop, 80), RESTORED_SECONDS)
    restored = eventually(partial(shop.wait_ready, "kept"), RESTORED_SECONDS)["status"]
    assert restored["url"] == kept["url"]
    assert " kept-" in eventually(partial(fetch, restored["url"]))
    deleted = eventually(partial(shop.wait_ready, "deleted"), RESTORED_SECONDS)["status"]
    assert deleted["ports"][0]["nodePort"] == port
    for kind in ("xapp", "deployment", "service"):
        eventually(partial(is_absent, shop, kind), RESTORED_SECONDS)
    # All of that the backup says, so it is true before the operator works again.
    shop.apply(app("kept", ports=[{"port": 82, "targetPort": 8080}]))
    eventually(partial(has_port, shop, 82), RESTORED_SECONDS)


def is_absent(namespace: Namespace, kind: str) -> None:
    """What was created after the backup is not there."""
    assert namespace.kubectl("get", kind, "lost", "--ignore-not-found") == ""


def has_port(namespace: Namespace, port: int) -> None:
    """The Service and the status have this port, and no other."""
    assert [item["port"] for item in namespace.get("service", "kept")["spec"]["ports"]] == [port]
    assert [item["port"] for item in namespace.status("kept")["ports"]] == [port]
