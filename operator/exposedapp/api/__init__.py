# SPDX-License-Identifier: Apache-2.0
"""The contract: types, conditions and reasons, names, schema and CustomResourceDefinition.

Pure. Other programs rely on it; how the operator works does not belong here.
"""
