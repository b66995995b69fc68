# SPDX-License-Identifier: Apache-2.0
"""Values as Grafana writes them, by the unit of a panel. Called by picture.py; pure."""

SUFFIXES = {"ops": " ops/s", "reqps": " req/s"}
STEPS: dict[str, list[tuple[float, str]]] = {
    "s": [(60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")],
    "bytes": [(2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB")],
}
"""What a unit is counted in from which size on."""
SHORT = [(1e6, " Mil"), (1e3, " K")]


def format_value(value: float, unit: str) -> str:
    """A value as it stands at an axis."""
    for size, suffix in STEPS.get(unit, SHORT):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}{SUFFIXES.get(unit, '')}"
    zero = {"s": " s", "bytes": " B"}.get(unit, "")
    return f"{value:.3g}{zero}{SUFFIXES.get(unit, '')}"
