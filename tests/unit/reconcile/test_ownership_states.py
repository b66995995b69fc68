# SPDX-License-Identifier: Apache-2.0
"""Every state of an object with an app's name, by the table of docs/ownership.md."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exposedapp.api.meta import CHILD_KINDS, ChildKind, Json
from support.harness import KEY, World

PAGE = Path(__file__).parents[3] / "docs" / "ownership.md"

REFERENCES = ("ours", "an earlier app's", "another's", "none")
MARKS = ("ours", "none", "label only", "hash only", "another app's label")
"""Which label and hash an object has; all but the first are "not ours" in the table."""
ADOPT = ("true", "false", "none")
DELETION = ("yes", "no")
STATES = list(itertools.product(REFERENCES, MARKS, ADOPT, DELETION))

OWNERS = {"ours": "web", "an earlier app's": "web", "another's": "theirs"}


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    cells: tuple[frozenset[str], ...]
    does: str
    says: str

    def matches(self, state: tuple[str, ...]) -> bool:
        reference, marks, adopt, deleted = state
        values = (reference, "ours" if marks == "ours" else "not ours", adopt, deleted)
        return all(
            cell == {"any"} or value in cell for cell, value in zip(self.cells, values, strict=True)
        )


def rows() -> list[Row]:
    lines = PAGE.read_text().partition("|---|---|---|---|---|---|\n")[2].partition("\n\n")[0]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines())
    return [Row(tuple(map(_values, state)), does, says) for *state, does, says in cells]


def _values(cell: str) -> frozenset[str]:
    return frozenset(cell.split(", "))


def test_every_state_has_one_row() -> None:
    for state in STATES:
        assert len([row for row in rows() if row.matches(state)]) == 1, state
    for row in rows():
        assert any(row.matches(state) for state in STATES), row


def metadata(world: World, reference: str, marks: str, adopt: str, deleted: str) -> Json:
    uid = world.live("ExposedApp")["metadata"]["uid"]
    owner: Json = {"apiVersion": "exposedapp.dev/v1alpha1", "kind": "ExposedApp"}
    owner |= {"controller": True, "name": OWNERS.get(reference)}
    owner["uid"] = uid if reference == "ours" else "another-uid"
    annotations, labels = dict[str, str](), dict[str, str]()
    if marks in ("ours", "label only"):
        labels["exposedapp.dev/name"] = "web"
    if marks == "another app's label":
        labels["exposedapp.dev/name"] = "other"
    if marks in ("ours", "hash only", "another app's label"):
        annotations["exposedapp.dev/desired-hash"] = "0123456789abcdef"
    if adopt != "none":
        annotations["exposedapp.dev/adopt"] = adopt
    body: Json = {"annotations": annotations, "labels": labels}
    if reference != "none":
        body["ownerReferences"] = [owner]
    if deleted == "yes":
        body["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return body


@pytest.mark.parametrize("kind", CHILD_KINDS)
@pytest.mark.parametrize("state", STATES, ids=", ".join)
async def test_a_state(world: World, kind: ChildKind, state: tuple[str, ...]) -> None:
    (row,) = (row for row in rows() if row.matches(state))
    # While pods are not ready, the message is about them and not about the Service.
    world.app(replicas=2 if kind == "Deployment" else 0)
    world.foreign(kind, **metadata(world, *state))
    before = world.live(kind)
    world.watch()
    await world.reconciler.reconcile(KEY)
    after = world.live(kind)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    CHECKS[row.does](before, after, state)
    says = row.says.replace("KIND", kind).replace("NAME", "web")
    check_words(world, kind, says.replace("OWNER", "ExposedApp theirs"))


def is_unchanged(before: Json, after: Json, _: Any) -> None:
    assert after == before


def is_managed(before: Json, after: Json, state: tuple[str, ...]) -> None:
    (reference,) = after["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["name"]) == ("ExposedApp", "web")
    hashes = {body["metadata"]["annotations"].get(HASH) for body in (before, after)}
    assert len(hashes) == 2
    assert after["metadata"]["labels"]["exposedapp.dev/name"] == "web"


def is_released(before: Json, after: Json, state: tuple[str, ...]) -> None:
    default = {"revisionHistoryLimit": 10}
    assert after["spec"] | default == before["spec"] | default
    assert after["metadata"]["ownerReferences"] == []
    assert after["metadata"]["labels"].get("exposedapp.dev/name") in (None, "other")
    assert after["metadata"]["annotations"] == {"exposedapp.dev/adopt": "false"}


HASH = "exposedapp.dev/desired-hash"

CHECKS = {
    "waits": is_unchanged,
    "leaves it alone": is_unchanged,
    "manages it": is_managed,
    "adopts it": is_managed,
    "releases it": is_released,
}


def check_words(world: World, kind: ChildKind, says: str) -> None:
    words, _, event = says.partition("Event ")
    reason, _, message = words.strip().partition(": ")
    if reason:
        assert world.ready() == ("False", reason)
        assert world.message().startswith(message)
    else:
        assert world.ready()[1] != "NotOwned"
        assert "being deleted" not in world.message()
    reasons = {happening.reason for happening in world.happened if kind in happening.message}
    assert (reasons & {"Adopted", "Released"}) == ({event} if event else set())
