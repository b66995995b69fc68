# SPDX-License-Identifier: Apache-2.0
"""Kustomizations with the component of deploy/kustomize, for unit and end-to-end tests."""

import os
from pathlib import Path

import yaml

from exposedapp.api.meta import Json

ROOT = Path(__file__).parents[2]
COMPONENT = ROOT / "deploy" / "kustomize"


def write_kustomization(folder: Path, *objects: Json, **fields: object) -> None:
    """Write a kustomization of these objects; `fields` are others of its fields."""
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    kustomization = {
        "resources": ["objects.yaml"],
        "components": [os.path.relpath(COMPONENT, folder)],
        **fields,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
