"""From what was observed to an app's status, its conditions and its Events.

Pure. When and whether a status is sent is the reconciler's business; this package never sends.
"""
