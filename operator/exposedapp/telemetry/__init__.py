# SPDX-License-Identifier: Apache-2.0
"""Metrics, health endpoints and event loop lag.

Only runtime.py imports it: other packages report through callables and protocols of their own.
"""
