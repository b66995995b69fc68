# SPDX-License-Identifier: Apache-2.0
"""What happens during a soak, drawn from a seed: the same seed draws the same actions. Pure.

The plan knows what it has asked for, so that the checks know what must come of it.
"""

from dataclasses import dataclass, field
from random import Random

from faults.api_server import Json

MAX_APPS = 24
MAX_PODS = 4
"""Apps with a pod; the others have none, so that a small machine is enough."""
MAX_NODES = 5
PAUSE_SECONDS = (0.0, 1.0)
FAULT_SECONDS = (1.0, 12.0)
"""Some outlast a Lease."""
SHORT_FAULT_SECONDS = (1.0, 4.0)
PHASE_ACTIONS = 300
PHASES = 3
"""In the first of these processes end; in the others they live long enough to compare memory."""
TYPES = ("NodePort", "NodePort", "ClusterIP")

WEIGHTS = {
    "create": 8,
    "adopt": 2,
    "change": 10,
    "scale": 5,
    "ports": 4,
    "type": 3,
    "delete": 4,
    "replace": 3,
    "delete child": 3,
    "edit child": 3,
    "add node": 3,
    "delete node": 2,
    "flip node": 4,
    "fault": 3,
    "kill": 1,
    "terminate": 1,
    "freeze": 1,
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do."""

    pause: float
    """Seconds to wait before it."""
    kind: str
    target: str = ""
    """An app, a node, or the name of a fault."""
    spec: Json = field(default_factory=dict)
    """An app's whole spec."""
    seconds: float = 0.0
    """How long a fault lasts."""
    choice: int = 0
    """A random number, for what is chosen when the action is carried out."""

    def __str__(self) -> str:
        spec = f" {self.spec}" if self.spec else ""
        return f"{self.kind} {self.target}{spec}" + (f" {self.seconds}s" if self.seconds else "")


class Plan:
    """Draws actions."""

    def __init__(self, seed: int, faults: list[str]) -> None:
        self._random = Random(seed)  # noqa: S311 - nothing secret
        self._faults = faults
        self._count = 0
        self._actions = 0
        self.apps: dict[str, Json] = {}
        """Name and spec of each app that must be there."""
        self.keeps_ports: set[str] = set()
        """The apps of which nothing has been done that may change a node port."""
        self._adopting: set[str] = set()
        """The apps that adopt a Deployment of 0 replicas; 1, the default, would not change them."""
        self._nodes: list[str] = []

    def next(self) -> Action:
        """The next action, which the plan takes for carried out."""
        self._actions += 1
        kinds = [kind for kind in WEIGHTS if self._is_possible(kind)]
        kind = self._random.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        pause = self._random.uniform(*PAUSE_SECONDS)
        choice = self._random.randrange(1_000)
        if kind in ("create", "adopt"):
            return Action(pause, kind, *self._create(kind), choice=choice)
        if kind.endswith("node"):
            return Action(pause, kind, self._node(kind), choice=choice)
        if kind == "fault":
            limits = FAULT_SECONDS if self._is_rough() else SHORT_FAULT_SECONDS
            seconds = round(self._random.uniform(*limits), 1)
            return Action(pause, kind, self._random.choice(self._faults), {}, seconds, choice)
        if kind in ("kill", "terminate", "freeze"):
            return Action(pause, kind, choice=choice)
        name = self._random.choice(list(self.apps))
        return Action(pause, kind, name, self._change(kind, name), choice=choice)

    def _is_possible(self, kind: str) -> bool:
        match kind:
            case "create" | "adopt":
                return len(self.apps) < MAX_APPS
            case "add node":
                return len(self._nodes) < MAX_NODES
            case "delete node" | "flip node":
                return bool(self._nodes)
            case "fault":
                return True
            case "kill" | "terminate" | "freeze":
                return self._is_rough()
        return bool(self.apps)

    def _is_rough(self) -> bool:
        return self._actions // PHASE_ACTIONS % PHASES == 0

    def _create(self, kind: str) -> tuple[str, Json]:
        self._count += 1
        name = f"app-{self._count}"
        self.apps[name] = {
            "replicas": 0 if kind == "adopt" else self._replicas(),
            "ports": self._ports(),
            "service": {"type": self._random.choice(TYPES)},
            "env": self._env(),
        }
        if kind == "create":
            self.keeps_ports.add(name)
        else:
            self._adopting.add(name)
        return name, self.apps[name]

    def _change(self, kind: str, name: str) -> Json:
        """Change an app in the plan; its spec from now on, empty when that is not changed."""
        spec = dict(self.apps[name])
        match kind:
            case "change":
                spec["env"] = self._env()
            case "scale":
                spec["replicas"] = 0 if name in self._adopting else self._replicas(but=name)
            case "ports":
                spec["ports"] = self._ports()
            case "type":
                spec["service"] = {"type": self._random.choice(TYPES)}
            case "edit child":
                return {}
        if kind != "change" and kind != "scale":
            self.keeps_ports.discard(name)
        if kind == "delete":
            del self.apps[name]
            return {}
        self.apps[name] = spec
        return {} if kind == "delete child" else spec

    def _node(self, kind: str) -> str:
        if kind == "add node":
            self._count += 1
            self._nodes.append(f"soak-{self._count}")
            return self._nodes[-1]
        name = self._random.choice(self._nodes)
        if kind == "delete node":
            self._nodes.remove(name)
        return name

    def _env(self) -> list[Json]:
        return [{"name": "STEP", "value": str(self._random.randrange(1_000_000))}]

    def _ports(self) -> list[Json]:
        numbers = self._random.sample(range(80, 90), self._random.randint(1, 3))
        return [
            {"name": f"p{number}", "port": number, "targetPort": 8080 + index}
            for index, number in enumerate(numbers)
        ]

    def _replicas(self, but: str = "") -> int:
        pods = sum(spec["replicas"] for name, spec in self.apps.items() if name != but)
        return self._random.choice((0, 0, 1)) if pods < MAX_PODS else 0
