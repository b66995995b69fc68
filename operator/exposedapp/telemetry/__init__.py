"""Metrics, health endpoints and event loop lag.

Only the process imports it: what is measured is handed over through protocols of other packages.
"""
