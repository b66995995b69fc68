# SPDX-License-Identifier: Apache-2.0
"""Takes secrets out of objects and logs that are to be shown to others. Pure; used by `bundle`."""

import re
from typing import Any

from exposedapp.api.meta import Json

REDACTED = "REDACTED"

SECRET_WORDS = re.compile(
    r"pass(word|wd|phrase)?|token|secret|credential|api[-_]?key|auth", re.IGNORECASE
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

DROPPED_FIELDS = frozenset({"managedFields", LAST_APPLIED})
"""They repeat what is elsewhere, values included."""

WORD_FIELDS = frozenset({"command", "args"})

TEXT_PATTERNS = (
    (re.compile(r"(://)[^\s\"'<>]+@"), rf"\1{REDACTED}@"),  # a user and a password in a URL
    (
        re.compile(
            r"((?:pass(?:word|wd)?|token|secret|api[-_]?key)\s*[=:]\s*)[^\s&]+", re.IGNORECASE
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),  # a JSON Web Token
)


def redact(value: Any, field: str = "") -> Any:
    """The object without values of environment variables, and without what looks like a secret.

    Of commands and arguments, the names of options are left.
    """
    if isinstance(value, dict):
        return {
            key: _redact_field(key, item, field)
            for key, item in value.items()
            if key not in DROPPED_FIELDS
        }
    if isinstance(value, list):
        if field in WORD_FIELDS and all(isinstance(item, str) for item in value):
            return list(map(_redact_word, value))
        return [redact(item, field) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def redact_text(text: str) -> str:
    """A text without credentials that can be told by their form."""
    for pattern, replacement in TEXT_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def lines_about(log: str, namespace: str, name: str) -> str:
    """The lines of the operator's log about one app, redacted: others are other people's."""
    app = re.compile(rf"(?<![\w.-]){re.escape(namespace)}/{re.escape(name)}(?![\w.-])")
    structured = re.compile(
        rf'(?=.*"namespace": ?"{re.escape(namespace)}")(?=.*"name": ?"{re.escape(name)}")'
    )
    lines = [line for line in log.splitlines() if app.search(line) or structured.search(line)]
    return "\n".join(map(redact_text, lines))


def _redact_field(key: str, item: Any, parent: str) -> Any:
    if parent in {"env", "httpHeaders"} and key == "value":
        return REDACTED
    if parent == "annotations" and str(item).lstrip().startswith(("{", "[")):
        return REDACTED  # a copy of a whole object
    if parent in {"annotations", "labels"} and SECRET_WORDS.search(key):
        return REDACTED
    return redact(item, key)


def _redact_word(word: str) -> str:
    """The name of an option; nothing of what else a command or its arguments say."""
    option, separator, _ = word.partition("=")
    if any(map(str.isspace, word)) or not word.startswith("-"):
        return REDACTED
    if word.startswith("--"):
        return f"{option}={REDACTED}" if separator else option
    return word if len(word) == 2 else f"{word[:2]}{REDACTED}"  # -p, or -pPASSWORD


def redact_object(body: Json) -> Json:
    """A Kubernetes object without secrets."""
    redacted: Json = redact(body)
    return redacted
