# SPDX-License-Identifier: Apache-2.0
"""Probes the URLs of apps, bounded and fair, and remembers the results.

It decides when to probe; what a result means for an app belongs to exposure.
"""
