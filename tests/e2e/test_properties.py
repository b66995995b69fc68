"""Whatever the API server accepts as an ExposedApp becomes children that it accepts, too.

The specs are made up by hypothesis, the same ones at every run, and the API server is the real one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from e2e.support import Json, Namespace, api_server
from exposedapp.api import API_VERSION, KIND, ExposedAppSpec
from exposedapp.cluster import PATHS, ApiError, Cluster
from exposedapp.drift import drift
from exposedapp.labels import Identity
from exposedapp.resources import SpecError, make_deployment, make_service, pod_labels

SAME_EVERY_TIME = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

KNOWN_ONLY_TO_THE_CLUSTER = (
    "provided port is already allocated",
    "not configured on this cluster",
    "Cannot require dual-stack on a cluster which is not configured for dual-stack",
)
"""Why it may refuse a child of a spec that it has accepted."""


# --- strategies -----------------------------------------------------------------------------------

Strategy = st.SearchStrategy[Any]


def objects(required: dict[str, Strategy], **optional: Strategy) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(required, optional=optional)


def lists(items: Strategy, *keys: str, **sizes: int) -> st.SearchStrategy[list[Any]]:
    """Short lists, in which no two items have the same value at one of the keys."""
    unique = tuple((lambda it, key=key: it.get(key)) for key in keys) or None
    return st.lists(items, max_size=3, unique_by=unique, **sizes)


SECONDS = st.integers(1, 2**31 - 1)
PORT_NUMBERS = st.integers(1, 65535)
PORT_NAMES = st.from_regex(r"[a-z]([a-z0-9]|-[a-z0-9]){0,5}", fullmatch=True)
LABELS = st.dictionaries(
    st.from_regex(
        r"([a-z0-9]+(\.[a-z0-9]+)?/)?[A-Za-z0-9]([\w.-]{0,9}[A-Za-z0-9])?", fullmatch=True
    )
    .filter(str.isascii)
    .map(lambda key: key[:60]),
    st.from_regex(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,9}[A-Za-z0-9])?)?", fullmatch=True),
    min_size=1,
    max_size=3,
)
OBJECT_NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?(\.[a-z0-9]+)?", fullmatch=True)
KEYS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,9}", fullmatch=True)
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="=")
TEXT = st.text(max_size=8)
BY_NAME = "by-name"
"""A container port that a podTemplate may have, and a targetPort may mean."""

CPU: tuple[Callable[[int], Any], ...] = (
    lambda milli: f"{milli}m",
    lambda milli: f"+{milli}.0m",
    lambda milli: f"00{milli}000u",
    lambda milli: f"{milli}e-3",
    lambda milli: f"{milli * 10**6}E-9",
    lambda milli: str(Decimal(milli) / 1000),
    lambda milli: str(Decimal(milli) / 1000).removeprefix("0") or "0",
    lambda milli: f"{Decimal(milli) / 10**6}k",
    lambda milli: milli // 1000,
)
MEMORY: tuple[Callable[[int], Any], ...] = (
    lambda mebi: f"{mebi}Mi",
    lambda mebi: f"{mebi * 1024}Ki",
    lambda mebi: f"{Decimal(mebi) / 1024}Gi",
    lambda mebi: f"{mebi}.Mi",
    lambda mebi: f"{mebi * 2**20}000m",
    lambda mebi: f"{mebi * 2**20}e0",
    lambda mebi: f"{Decimal(mebi * 2**20) / 10**6}M",
    lambda mebi: mebi * 2**20,
)
DEVICES: tuple[Callable[[int], Any], ...] = (int, str, "{}000m".format, "{}e0".format)


def amounts(notations: tuple[Callable[[int], Any], ...]) -> st.SearchStrategy[tuple[Any, Any]]:
    """A request and a limit that is not below it, each in one of many notations."""
    pairs = st.tuples(st.integers(0, 4000), st.integers(0, 4000)).map(sorted)
    written = st.sampled_from(notations)
    return st.builds(
        lambda pair, low, high: (_floor(low, pair[0]), high(pair[1])), pairs, written, written
    ).filter(lambda found: _is_in_order(*found))


@st.composite
def resources(draw: st.DrawFn) -> Json:
    found: Json = {}
    kinds = {"cpu": CPU, "memory": MEMORY, "ephemeral-storage": MEMORY, "example.com/gpu": DEVICES}
    for name in draw(st.sets(st.sampled_from(sorted(kinds)))):
        low, high = sorted(draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))
        write = [draw(st.sampled_from(kinds[name])) for _ in range(2)]
        device = kinds[name] is DEVICES
        where = draw(
            st.sampled_from(["limits", "both"] if device else ["requests", "limits", "both"])
        )
        if where != "limits":
            found.setdefault("requests", {})[name] = write[0]((high if device else low) * 1000)
        if where != "requests":
            found.setdefault("limits", {})[name] = write[1](high * 1000)
    return found
