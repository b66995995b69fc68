"""From Deployments and Services to ExposedApps, and back to plain manifests. Pure."""
