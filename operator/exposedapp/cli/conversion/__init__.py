# SPDX-License-Identifier: Apache-2.0
"""From Deployments and Services to ExposedApps, and back to plain manifests. Pure."""
