"""A keyed work queue with priorities, fairness, back-off and debouncing.

It knows no Kubernetes: keys are hashable values, work is a callable.
"""
