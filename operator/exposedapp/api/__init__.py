"""The contract: types, conditions and reasons, names, schema and CustomResourceDefinition.

Pure. Nothing of how the operator works belongs here; other programs rely on what is here.
"""
