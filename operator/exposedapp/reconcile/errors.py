# SPDX-License-Identifier: Apache-2.0
"""What ends a reconcile early: that there is nothing to do any more.

A request that fails is no exception but a value (results.py), so that the status is written.
"""


class AppDeleted(Exception):
    """The app does not exist any more, or its namespace is being deleted."""
