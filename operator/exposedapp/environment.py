# SPDX-License-Identifier: Apache-2.0
"""Reads the operator's configuration from the environment.

Called by main.py alone. Apart from settings.py, which everything else imports: there Settings() is
the defaults, and the command line does not spend 30 ms per start on importing pydantic-settings.
"""

from typing import Any

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from exposedapp.settings import Settings

PREFIX = "EXPOSEDAPP_"


class _Environment(Settings, BaseSettings):
    """Settings whose fields come from the environment."""

    # Not JSON, which pydantic-settings expects in variables for fields that are no scalars.
    model_config = SettingsConfigDict(env_prefix=PREFIX, enable_decoding=False)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, texts: dict[str, Any]) -> dict[str, Any]:
        """Treats a variable that is empty as one that is not set."""
        return {name: text.strip() for name, text in texts.items() if text.strip()}


def read_settings() -> Settings:
    """The settings in the process's environment; defaults for variables that are not set or empty.

    Raises ValueError, with the variable's name and what to write, for what cannot be read: a typing
    error must not disable anything silently.
    """
    try:
        return Settings.model_construct(**dict(_Environment()))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        expected = Settings.model_fields[name].description
        raise ValueError(
            f"{PREFIX}{name.upper()} is {first['input']!r}: write {expected}"
        ) from None
