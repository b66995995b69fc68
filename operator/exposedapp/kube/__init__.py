# SPDX-License-Identifier: Apache-2.0
"""The API client: requests, errors, and the resources that the operator uses.

The only package that talks to the API server. No rule about ExposedApps belongs here.
"""
