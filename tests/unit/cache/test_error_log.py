# SPDX-License-Identifier: Apache-2.0
"""An error that lasts is logged when it appears, and again every few minutes."""

import logging

import pytest

from exposedapp.cache.error_log import ErrorLog
from exposedapp.logs import REPEAT_SECONDS

AWAY, REFUSED = OSError("no answer"), OSError("forbidden")


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def errors(now: list[float], caplog: pytest.LogCaptureFixture) -> ErrorLog:
    caplog.set_level(logging.DEBUG)
    return ErrorLog(logging.getLogger("test"), "nodes", clock=lambda: now[0])


def levels(caplog: pytest.LogCaptureFixture) -> str:
    return "".join(record.levelname[0] for record in caplog.records)


def test_it_is_logged_again_while_it_lasts(
    now: list[float], errors: ErrorLog, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(4):
        errors.report(AWAY, 10.0)
        now[0] += REPEAT_SECONDS / 2
    assert levels(caplog) == "WDWD"
    assert caplog.messages[0] == "nodes: no answer; next attempt in 10.0 s"


def test_another_error_is_logged_at_once(
    errors: ErrorLog, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (AWAY, REFUSED, REFUSED, AWAY):
        errors.report(error, 1.0)
    assert levels(caplog) == "WWDW"


def test_an_error_after_a_success_is_another_one(
    errors: ErrorLog, caplog: pytest.LogCaptureFixture
) -> None:
    errors.report(AWAY, 1.0)
    errors.clear()
    errors.report(AWAY, 1.0)
    assert levels(caplog) == "WW"
