# SPDX-License-Identifier: Apache-2.0
"""From the evidence to a report: what was checked, what is wrong, what to do. Pure."""
