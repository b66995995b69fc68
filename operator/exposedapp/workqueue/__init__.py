# SPDX-License-Identifier: Apache-2.0
"""A keyed work queue with priorities, fairness, back-off and debouncing.

It knows no Kubernetes: keys are hashable values, work is a callable.
"""
