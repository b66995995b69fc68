# SPDX-License-Identifier: Apache-2.0
"""What the replicas of the operator share to serve the webhook. Pure.

Kept in a Secret by certificate_keeper.py.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass, replace

from exposedapp.api.meta import Json

TOKEN_BYTES = 32
"""As hexadecimal digits: a webhook's path must be made of DNS names (ValidateWebhookService in
k8s.io/apiserver, pkg/util/webhook/validation.go)."""

KEYS = {"tls.crt": "certificate", "tls.key": "key", "ca.crt": "trusted", "token": "token"}
"""Of the Secret's data, with the fields of ServingSecret."""


@dataclass(frozen=True, slots=True)
class ServingSecret:
    """Certificates and a key as PEM; each field is empty where there is none yet."""

    certificate: str = ""
    key: str = ""
    trusted: str = ""
    """The certificates that the API server is to trust."""
    token: str = ""
    """The path of the webhook, which nobody can guess."""


def with_token(secret: ServingSecret) -> ServingSecret:
    """The same with a token, if it has none."""
    return secret if secret.token else replace(secret, token=secrets.token_hex(TOKEN_BYTES))


def parse_secret(body: Json) -> ServingSecret:
    """What is in a Secret; empty where it is broken, so that it is written again."""
    data = body.get("data") or {}
    return ServingSecret(**{field: _decode(data.get(key)) for key, field in KEYS.items()})


def secret_data(secret: ServingSecret) -> dict[str, str]:
    """The data of the Secret."""
    return {key: encode(getattr(secret, field)) for key, field in KEYS.items()}


def encode(text: str) -> str:
    """The text as a Secret and a CA bundle have it."""
    return base64.b64encode(text.encode()).decode()


def _decode(text: str | None) -> str:
    try:
        return base64.b64decode(text or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
