# SPDX-License-Identifier: Apache-2.0
"""Why a spec cannot be turned into objects.

SpecError
    MergeError: spec.podTemplate cannot be merged
"""


class SpecError(Exception):
    """A spec that no cluster can run. The message names the field and what to write."""


class MergeError(SpecError):
    """An overlay with a directive that is not supported. The message names the field."""
