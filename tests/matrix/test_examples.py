# SPDX-License-Identifier: Apache-2.0
"""Every version accepts every example."""

from pathlib import Path

import pytest

from e2e.support import EXAMPLES, Namespace

FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_is_accepted(namespace: Namespace, file: Path) -> None:
    namespace.kubectl("apply", "--filename", str(file))
    assert namespace.names("xapp") == [file.stem]
