"""Tries URLs, bounded and fair, and remembers the results.

It decides when to try, never what a result means for an app: that is exposure's.
"""
