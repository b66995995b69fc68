# SPDX-License-Identifier: Apache-2.0
"""Lets apps take over what runs already: `expose`, `import`. Imports the client library."""
