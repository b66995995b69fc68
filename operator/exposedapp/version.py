# SPDX-License-Identifier: Apache-2.0
"""The version of the operator, the command line and the chart."""

__version__ = "0.1.0"
