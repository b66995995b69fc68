"""What ends a reconcile early."""


class AppDeleted(Exception):
    """The app is not there any more, or goes with its namespace: nothing is to be done for it."""
