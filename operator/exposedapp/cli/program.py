# SPDX-License-Identifier: Apache-2.0
"""The name by which the user has called the program. Used by the usage lines and by advice."""

import sys
from pathlib import Path

PLUGIN_PREFIX = "kubectl-"


def program_name() -> str:
    """`exposedapp`, or `kubectl exposedapp` when kubectl has called it as its plugin."""
    is_plugin = Path(sys.argv[0]).name.startswith(PLUGIN_PREFIX)
    return "kubectl exposedapp" if is_plugin else "exposedapp"
