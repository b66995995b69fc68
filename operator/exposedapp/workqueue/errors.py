"""How work asks to be tried again."""


class Retry(Exception):
    """What the work raises when it should be tried again.

    Later at each failure; not before `after` seconds, and not later than `at_most`.
    """

    def __init__(
        self, message: str, after: float | None = None, at_most: float | None = None
    ) -> None:
        super().__init__(message)
        self.after = after
        self.at_most = at_most
