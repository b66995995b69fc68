# SPDX-License-Identifier: Apache-2.0
"""The API client: requests, errors, and the resources that the operator uses.

The only package of the operator that talks to the API server, but for kopf's watch. No rule about
ExposedApps belongs here.
"""
