# SPDX-License-Identifier: Apache-2.0
"""`exposedapp wait`, as it is typed."""

from typing import Any

import pytest

from exposedapp.kube.errors import ApiError
from support.cli import APPS, HELLO, FakeKube, Run, not_ready


def test_wait_until_the_app_is_ready(run: Run, kube: FakeKube) -> None:
    old = {**HELLO, "metadata": {**HELLO["metadata"], "generation": 2}}  # ready, but not this spec
    transient = ApiError(0, "NoAnswer", "no answer")
    kube.set_app(old, not_ready("Progressing"), transient, HELLO)
    result = run("wait", "hello")
    assert kube.responses[f"{APPS}/hello"] == [HELLO]
    assert (result.exit_code, result.stdout) == (0, "hello is ready: http://10.0.0.1:30008\n")


@pytest.mark.parametrize(
    ("responses", "code", "message"),
    [
        ([not_ready("Progressing")], 1, "hello is not ready after 1 s. Progressing: Words."),
        ([not_ready("NotOwned", "Stalled")], 1, "hello cannot become ready. NotOwned: Words."),
        ([HELLO | {"status": {}}, None], 3, "there is no ExposedApp hello in namespace shop"),
        ([ApiError(403, "Forbidden", "may not")], 4, "may not"),
        ([ApiError(0, "NoAnswer", "no answer from the API server")], 4, "no answer"),
    ],
)
def test_an_app_that_does_not_become_ready(
    run: Run, kube: FakeKube, responses: list[Any], code: int, message: str
) -> None:
    kube.set_app(*responses)
    result = run("wait", "hello", "--timeout", "1s")
    assert result.exit_code == code
    assert message in result.stderr
