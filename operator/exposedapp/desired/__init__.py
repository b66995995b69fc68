"""What an app's spec asks for: its Deployment and its Service, as plain objects.

Pure. Nothing that was observed belongs here, but for the live objects whose fields must be kept.
"""
