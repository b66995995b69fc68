# SPDX-License-Identifier: Apache-2.0
"""When the webhook's certificate is made again."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exposedapp.admission.certificate import (
    CLOCK_SKEW,
    LIFETIME,
    RENEW_BEFORE_END,
    is_usable,
    make_certificate,
    renewed,
)
from exposedapp.admission.serving_secret import ServingSecret, parse_secret, secret_data, with_token

NAME = "exposedapp-admission.exposedapp-system.svc"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def new_secret(name: str = NAME) -> ServingSecret:
    certificate, key = make_certificate(name, NOW)
    return ServingSecret(certificate, key, certificate, "token")


@pytest.mark.parametrize(
    ("age", "usable"),
    [
        (-CLOCK_SKEW - timedelta(seconds=1), False),
        (-CLOCK_SKEW, True),
        (timedelta(), True),
        (LIFETIME - timedelta(seconds=1), True),
        (LIFETIME, False),
    ],
)
def test_a_certificate_is_usable_from_its_begin_to_its_end(age: timedelta, usable: bool) -> None:
    assert is_usable(new_secret(), NAME, NOW + age) is usable


def test_a_certificate_must_be_whole_and_of_this_name() -> None:
    secret, other = new_secret(), new_secret()
    broken = [
        ServingSecret(),
        new_secret("other.example.svc"),
        replace(secret, certificate="no certificate"),
        replace(secret, key=""),
        replace(secret, key="no key"),
        replace(secret, key=other.key),
        replace(secret, trusted=other.certificate),
    ]
    assert is_usable(secret, NAME, NOW)
    assert not any(is_usable(each, NAME, NOW) for each in broken)


def test_a_long_name_fits() -> None:
    name = f"{'x' * 63}.{'y' * 63}.svc"
    assert is_usable(new_secret(name), name, NOW)


def test_it_is_renewed_in_time_and_the_former_one_stays_trusted() -> None:
    secret = new_secret()
    due = NOW + LIFETIME - RENEW_BEFORE_END
    assert renewed(secret, NAME, due - timedelta(seconds=1)) is secret
    new = renewed(secret, NAME, due)
    assert new.certificate != secret.certificate
    assert new.trusted == new.certificate + secret.certificate
    assert new.token == secret.token
    newest = renewed(new, NAME, due + LIFETIME - RENEW_BEFORE_END)
    assert newest.trusted == newest.certificate + new.certificate


def test_one_that_has_ended_is_not_trusted_any_more() -> None:
    new = renewed(new_secret(), NAME, NOW + LIFETIME)
    assert new.trusted == new.certificate


def test_a_token_is_made_once_and_not_twice_the_same() -> None:
    first, second = with_token(ServingSecret()), with_token(ServingSecret())
    # The API server accepts no other path: its parts are DNS names.
    assert re.fullmatch("[a-z0-9]{32,253}", first.token)
    assert first.token != second.token
    assert with_token(first) is first


def test_a_secret_is_read_as_it_was_written_and_one_that_is_broken_as_empty() -> None:
    secret = new_secret()
    assert parse_secret({"data": secret_data(secret)}) == secret
    assert parse_secret({}) == parse_secret({"data": None}) == ServingSecret()
    assert parse_secret({"data": {"tls.crt": "x", "tls.key": "gIA="}}) == ServingSecret()


def test_only_who_makes_a_certificate_loads_the_library_for_it() -> None:
    """It takes 9 MiB of memory."""
    code = "import sys, exposedapp.main; sys.exit('cryptography' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == 0
