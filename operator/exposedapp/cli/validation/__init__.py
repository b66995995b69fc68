# SPDX-License-Identifier: Apache-2.0
"""Checks a manifest without a cluster: the CRD's schema and its CEL rules."""
