"""The command line: `exposedapp`, or `kubectl exposedapp`."""
