# SPDX-License-Identifier: Apache-2.0
"""Judges ExposedApps before they are stored: refused, or accepted, perhaps with warnings.

API server -> server.py -> kopf (handlers.py) -> reviewer.py -> verdict.py. An app that cannot be
judged is accepted: without this package an operator does everything that it does with it.
"""
