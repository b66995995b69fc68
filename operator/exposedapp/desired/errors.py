"""Why a spec cannot be turned into objects."""


class SpecError(Exception):
    """A spec that no cluster can run. The message names the field and what to write."""
