# SPDX-License-Identifier: Apache-2.0
"""The commands, one module each: it parses the arguments, calls the cluster, prints the result."""
