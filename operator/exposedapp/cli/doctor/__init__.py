# SPDX-License-Identifier: Apache-2.0
"""`exposedapp doctor`: finds out where the way from this machine to an app breaks.

It collects evidence from the cluster and by probing; the diagnosis itself does no input or output.
"""
