# SPDX-License-Identifier: Apache-2.0
"""ExposedApp: one custom resource in, a running app and an address that really answers out."""

from exposedapp.version import __version__

__all__ = ["__version__"]
