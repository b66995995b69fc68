"""What is known of the cluster: stores, informers, and which keys an event is about.

It never writes to the API server, and it decides nothing about an app.
"""
