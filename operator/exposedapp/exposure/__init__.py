# SPDX-License-Identifier: Apache-2.0
"""The URLs of an app: what its Service, the endpoints and the nodes add up to.

One module per origin of URLs (nodes, load balancers, port mappings, the cluster itself), one that
merges them, and two that say which URLs to probe and what the results mean. Pure: nothing here
connects to anything.
"""
