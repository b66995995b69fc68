# SPDX-License-Identifier: Apache-2.0
"""Who is measured."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import KUBECONFIG, ROOT
from bench.metrics import FLOOR, GO
from bench.processes import Process, chart_environment, free_port, python

ADMISSION_NAME = "bench-admission"


@dataclass(frozen=True, slots=True)
class Subject:
    """A program that makes apps reachable."""

    name: str
    title: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    watches_nodes: bool = False
    """Whether it does anything when a node changes."""
    watches_specs: bool = False
    """Whether a change of a spec shows in the status, as a path does."""
    probes: bool = False
    """Whether it tries the URLs, and knows apps without pods of their own."""
    reviews: bool = False
    """Whether it has an admission webhook."""
    is_operator: bool = True
    """Whether it can be restarted and keeps things true: the floor does not."""

    def start(self) -> Process:
        """Starts it on this machine."""
        source = ":".join(str(ROOT / item) for item in ("operator", "tests"))
        return Process.start(
            self.name,
            self.command,
            {**self.environment, "PYTHONPATH": source, "KUBECONFIG": str(KUBECONFIG)},
        )


def subjects() -> dict[str, Subject]:
    """All there are, by their names."""
    kopf = str(Path(sys.executable).parent / "kopf")
    tutorial = str(ROOT / "tests" / "bench" / "tutorial_operator.py")
    return {
        item.name: item
        for item in (
            Subject(FLOOR, "floor", python("bench.baselines"), is_operator=False),
            Subject("tutorial", "kopf's tutorial", [kopf, "run", "--all-namespaces", tutorial]),
            Subject(
                GO,
                "Go",
                [str(ROOT / "build" / "bin" / "go-operator")],
                watches_nodes=True,
                watches_specs=True,
            ),
            Subject(
                "operator",
                "this operator",
                python("exposedapp.main"),
                chart_environment(),
                watches_nodes=True,
                watches_specs=True,
                probes=True,
            ),
            Subject(
                "webhook",
                "this operator with its webhook",
                python("exposedapp.main"),
                {
                    **chart_environment(),
                    "EXPOSEDAPP_ADMISSION_PORT": str(free_port()),
                    "EXPOSEDAPP_ADMISSION_NAME": ADMISSION_NAME,
                    "EXPOSEDAPP_ADMISSION_REFERENCES": "ConfigMap,ServiceAccount",
                },
                watches_nodes=True,
                watches_specs=True,
                probes=True,
                reviews=True,
            ),
        )
    }
