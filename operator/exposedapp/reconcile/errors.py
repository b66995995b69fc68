"""What ends a reconcile early."""


class Retry(Exception):
    """Something failed in a foreseen way: the app is to be reconciled again, with back-off.

    Not before `after` seconds, and not later than `at_most`.
    """

    def __init__(
        self, message: str, after: float | None = None, at_most: float | None = None
    ) -> None:
        super().__init__(message)
        self.after = after
        self.at_most = at_most


class AppDeleted(Exception):
    """The app is not there any more, or goes with its namespace: nothing is to be done for it."""
