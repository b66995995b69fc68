# SPDX-License-Identifier: Apache-2.0
"""What an app's spec asks for: its Deployment and its Service, as plain objects.

Pure. The only observed input is a live object, for the fields that must be kept.
"""
