# SPDX-License-Identifier: Apache-2.0
"""From an observation to an app's status, its conditions and its Events.

Pure. Whether and when a status is sent is up to reconcile/; this package never sends.
"""
