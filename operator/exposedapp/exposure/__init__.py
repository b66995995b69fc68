"""Under which URLs an app can be reached, from its Service, its endpoints and the nodes.

Pure. It says what to probe and how to judge the results; it never connects to anything.
"""
