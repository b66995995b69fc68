"""ExposedApp: one custom resource in, a running app and an address that really answers out."""

__version__ = "0.1.0"
