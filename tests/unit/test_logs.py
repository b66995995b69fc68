# SPDX-License-Identifier: Apache-2.0
"""One record is one line, whatever users and servers have written into it."""

import json
import logging
from collections.abc import Iterator

import pytest

from exposedapp import logs
from exposedapp.settings import Settings

FORGED = "2026-11-25 10:00:00,000 INFO    exposedapp.children: kube-system/coredns: Removed"
HOSTILE = [
    f"web\n{FORGED}",
    f"http://10.0.0.1/a\r\n{FORGED}",
    f'admission webhook "x" denied the request: \x1b[2J\x1b[1;31mred\x1b[0m\n{FORGED}',
    f"\x85{FORGED}\u2028{FORGED}\u2029\x0b\x0c\x9b31m\x7f\x00",
]
NAMES = ["name", "URL path", "API server message", "other line ends"]
ESCAPES = {"\n": "\\n", "\r": "\\r", "\x1b": "\\x1b", "\u2028": "\\u2028", "\x85": "\\x85"}

log = logging.getLogger("exposedapp.test")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was before."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, ("kopf", "aiohttp.access"))]
    before = root.handlers[:], [logger.level for logger in loggers]
    root.handlers.clear()
    yield
    root.handlers[:] = before[0]
    for logger, level in zip(loggers, before[1], strict=True):
        logger.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """As a reader of the log splits it who takes any of Unicode's line ends for one."""
    return capsys.readouterr().err.removesuffix("\n").splitlines()


def fail(error: Exception) -> None:
    raise error


def assert_printable(line: str) -> None:
    assert line.isprintable(), repr(line)


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_message_is_one_line_of_text(capsys: pytest.CaptureFixture[str], text: str) -> None:
    logs.configure(Settings())
    log.info("%s: cannot be read", text)
    (line,) = lines(capsys)
    assert_printable(line)
    assert " INFO    exposedapp.test: " in line
    for char, escaped in ESCAPES.items():
        assert (char in text) == (escaped in line)


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_record_is_one_line_of_json(capsys: pytest.CaptureFixture[str], text: str) -> None:
    logs.configure(Settings(log_format="json"))
    try:
        fail(ValueError(text))
    except ValueError:
        log.exception("%s: cannot be read", text, extra={"settings": object()})
    (line,) = lines(capsys)
    assert_printable(line)
    fields = json.loads(line)
    assert list(fields) == ["time", "level", "logger", "message", "exception"]
    assert fields["time"].endswith("+00:00")
    assert (fields["level"], fields["logger"]) == ("ERROR", "exposedapp.test")
    assert fields["message"] == f"{text}: cannot be read"
    assert fields["exception"].endswith(f"ValueError: {text}")


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_an_exception_is_one_line_besides_its_stack(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    logs.configure(Settings())
    try:
        try:
            fail(KeyError(text))
        except KeyError as error:
            error.add_note(text)
            raise ValueError(text) from error
    except ValueError:
        log.exception("unexpected error")
    written = lines(capsys)
    for line in written:
        assert_printable(line)
    assert not [line for line in written if line.startswith(("2026-", "kube"))][1:]
    assert sum("Traceback (most recent call last):" in line for line in written) == 2
    assert "The above exception was the direct cause of the following exception:" in written
    assert written[-1].startswith("ValueError: ")
    assert any("fail(KeyError(text))" in line for line in written)


def test_the_members_of_a_group_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings())
    try:
        fail(ExceptionGroup(HOSTILE[0], [ValueError(HOSTILE[1]), OSError(HOSTILE[2])]))
    except ExceptionGroup:
        log.exception("tasks failed")
    written = lines(capsys)
    assert FORGED not in [line.strip(" |") for line in written]
    assert [line.split(":")[0].strip(" |") for line in written[-3:]] == [
        "ExceptionGroup",
        "ValueError",
        "OSError",
    ]


def test_errors_that_are_the_context_of_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings())
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    try:
        fail(first)
    except ValueError:
        log.exception("unexpected error")
    assert lines(capsys)[-1] == "ValueError: first"


def test_what_can_be_printed_stays(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings())
    log.info("%s", "größer – 大きい 😀 \\n 'quoted'")
    assert lines(capsys)[0].endswith("exposedapp.test: größer – 大きい 😀 \\n 'quoted'")


@pytest.mark.parametrize(
    ("level", "logger", "written"),
    [
        ("INFO", "exposedapp", ["INFO", "WARNING"]),
        ("WARNING", "exposedapp", ["WARNING"]),
        ("INFO", "kopf.engines", ["WARNING"]),
        ("DEBUG", "kopf.engines", ["WARNING"]),
        ("DEBUG", "aiohttp.access", ["WARNING"]),
        ("DEBUG", "exposedapp", ["DEBUG", "INFO", "WARNING"]),
    ],
)
def test_levels(
    capsys: pytest.CaptureFixture[str], level: str, logger: str, written: list[str]
) -> None:
    logs.configure(Settings(log_level=level, log_format="json"))
    for name in ("DEBUG", "INFO", "WARNING"):
        logging.getLogger(logger).log(logging.getLevelNamesMapping()[name], "text")
    assert [json.loads(line)["level"] for line in lines(capsys)] == written


@pytest.mark.parametrize(("level", "traced"), [("INFO", False), ("DEBUG", True)])
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_tracebacks_of_kopf_are_for_debug(
    capsys: pytest.CaptureFixture[str], level: str, log_format: str, traced: bool
) -> None:
    logs.configure(Settings.model_validate({"log_level": level, "log_format": log_format}))
    try:
        fail(ValueError("no login"))
    except ValueError:
        logging.getLogger("kopf.activities").exception("Startup failed")
    written = capsys.readouterr().err
    assert "Startup failed" in written
    assert ("Traceback" in written) == traced


APPS = "https://api/apis/exposedapp.dev/v1alpha1/exposedapps"
FORBIDDEN = "APIForbiddenError('no right', {'code': 403}, status=403)"


def attempt(number: int, error: str = FORBIDDEN, request: str = f"GET {APPS}") -> str:
    """What kopf logs of a failed attempt."""
    return f"Request attempt #{number} failed; will retry: {request} -> {error}"


def written_of(messages: list[str], capsys: pytest.CaptureFixture[str], **settings: str) -> int:
    logs.configure(Settings.model_validate(settings))
    for message in messages:
        logging.getLogger("kopf._cogs.clients.watching").error(message)
    return len(lines(capsys))


def test_a_request_of_kopf_that_keeps_failing_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watches = [f"GET {APPS}?watch=true&resourceVersion={number}" for number in (5, 7)]
    messages = [
        *map(attempt, range(1, 9)),
        # kopf gives up a watch that is silent, lists, and watches from another version.
        *(attempt(1, request=request) for request in watches),
    ]
    assert written_of(messages, capsys) == 1


@pytest.mark.parametrize(
    "other",
    [
        attempt(2, "ClientConnectorError(111)"),
        attempt(1, request="GET https://api/apis"),
        f"Request attempt #2/9 failed; escalating: GET {APPS} -> {FORBIDDEN}",
        f"Request attempt #2 failed; TCP closed; will re-authenticate: GET {APPS}",
        "Something else of kopf's",
    ],
    ids=["another error", "another request", "the last attempt", "closed", "no request"],
)
def test_another_failure_of_kopf_is_another_line(
    capsys: pytest.CaptureFixture[str], other: str
) -> None:
    assert written_of([attempt(1), other], capsys) == 2


def test_each_attempt_of_kopf_is_for_debug(capsys: pytest.CaptureFixture[str]) -> None:
    assert written_of([*map(attempt, range(1, 4))], capsys, log_level="DEBUG") == 3


def test_only_records_of_kopf_are_limited(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings())
    for number in (1, 2):
        log.error(attempt(number))
    assert len(lines(capsys)) == 2


def are_logged(*pauses: float) -> list[bool]:
    """Whether each of some attempts of a request is logged, with these seconds in between."""
    now = [1000.0]
    failures = logs.RequestFailures(clock=lambda: now[0])
    results = []
    for number, pause in enumerate((0.0, *pauses), 1):
        now[0] += pause
        record = logging.makeLogRecord({"name": "kopf.x", "msg": attempt(number)})
        results.append(failures(record))
    return results


def test_a_request_that_keeps_failing_is_logged_again() -> None:
    minute = 60.0
    assert are_logged(*[minute] * 5) == [True, False, False, False, False, True]


def test_a_request_that_fails_again_after_it_has_worked_is_logged() -> None:
    assert are_logged(10.0, 120.0, 10.0) == [True, False, True, False]


def test_a_malformed_record_of_another_library_is_its_own_problem() -> None:
    record = logging.makeLogRecord({"name": "library", "msg": "%d items", "args": ("x",)})
    assert logs.RequestFailures()(record)
