# SPDX-License-Identifier: Apache-2.0
"""The catalog: a live web page of all ExposedApps, in a process of its own that only reads.

`python -m exposedapp.catalog` runs it. Nothing imports it; of the operator it uses the contract,
the API client and the informer only.
"""
