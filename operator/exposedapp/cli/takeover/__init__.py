"""Lets apps take over what runs already: `expose`, `import`. Imports the client library."""
