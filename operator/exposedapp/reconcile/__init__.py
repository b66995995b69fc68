# SPDX-License-Identifier: Apache-2.0
"""One key at a time: children, observation, probes, pods, status, Events.

The only package that decides what is written to apps and their children. What a status says is
computed in status/, not here.
"""
