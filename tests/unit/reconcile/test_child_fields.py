# SPDX-License-Identifier: Apache-2.0
"""Fields of the children that apply alone cannot set, or take back."""

from exposedapp.api.meta import Json
from support.harness import KEY, World

BALANCER: Json = {"type": "LoadBalancer"}
ALONE: Json = {**BALANCER, "allocateLoadBalancerNodePorts": False}
RECREATE: Json = {"strategy": {"type": "Recreate"}}


def has_node_ports(world: World) -> bool:
    return any("nodePort" in port for port in world.live("Service")["spec"]["ports"])


async def test_a_load_balancer_gives_its_node_ports_back(world: World) -> None:
    """The API server keeps those that it has allocated, until they are taken out of the ports."""
    world.app(service=BALANCER)
    await world.settle()
    assert has_node_ports(world)
    world.app(service=ALONE)
    await world.settle()
    assert not has_node_ports(world)
    assert "nodes" not in world.status()
    world.app(service=BALANCER)
    await world.settle()
    assert has_node_ports(world)


async def test_node_ports_become_a_load_balancer_without_them(world: World) -> None:
    world.app()
    await world.settle()
    world.app(service=ALONE)
    await world.settle()
    assert not has_node_ports(world)


async def test_a_node_port_that_the_spec_asks_for_stays(world: World) -> None:
    """Kubernetes respects it, whatever allocateLoadBalancerNodePorts is."""
    ports = [
        {"name": "web", "port": 80, "nodePort": 30080},
        {"name": "more", "port": 81},
    ]
    world.app(ports=ports, service=BALANCER)
    await world.settle()
    world.app(ports=ports, service=ALONE)
    await world.settle()
    numbers = [port.get("nodePort") for port in world.live("Service")["spec"]["ports"]]
    assert numbers == [30080, None]


async def test_another_client_cannot_give_it_node_ports(world: World) -> None:
    world.app(service=ALONE)
    await world.settle()

    def allocate(body: Json) -> None:
        body["spec"]["ports"][0]["nodePort"] = 30001

    world.cluster.edit("Service", *KEY, allocate)
    await world.settle()
    assert not has_node_ports(world)


async def test_recreate_and_back(world: World) -> None:
    """rollingUpdate is a default that apply does not own, and Recreate must not have it."""
    world.app()
    await world.settle()
    world.app(deployment=RECREATE)
    await world.settle()
    assert world.live("Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    world.app()
    await world.settle()
    assert world.live("Deployment")["spec"]["strategy"]["type"] == "RollingUpdate"


async def test_a_restarted_rollout_stays(world: World) -> None:
    """`kubectl rollout restart` annotates the template, also across a change of the spec."""
    world.app(replicas=1)
    await world.settle()
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}

    def restart(body: Json) -> None:
        body["spec"]["template"]["metadata"]["annotations"] = annotations

    world.cluster.edit("Deployment", *KEY, restart)
    world.cluster.writes.clear()
    await world.reconcile()
    assert "apply Deployment" not in world.cluster.writes
    world.app(replicas=2)
    await world.settle()
    template = world.live("Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"] == annotations
