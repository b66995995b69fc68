"""What ends a reconcile early.

AppDeleted: nothing is left to do

A request that fails is none of these: it is a value (results.py), so that the status is written.
"""


class AppDeleted(Exception):
    """The app does not exist any more, or its namespace is being deleted."""
