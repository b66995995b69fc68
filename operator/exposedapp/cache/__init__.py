# SPDX-License-Identifier: Apache-2.0
"""The known state of the cluster: stores, informers, and the apps that an event concerns.

Nothing here writes to the API server, or decides what is to be done about an app.
"""
