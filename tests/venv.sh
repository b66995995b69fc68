#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# venv.sh FOLDER LOCK: makes a virtual environment in FOLDER that holds exactly what LOCK names.
#
# pip decides nothing here: a lock is complete, so --no-deps keeps pip from looking up dependencies. Otherwise an old pip
# takes the newest release of whatever is asked for with an extra, finds no hash for it, and every fresh machine fails
# from the day of that release on (docs/decisions/0013-installing-locks.md). Wheels only, because building a source
# distribution would fetch unpinned build tools. `pip check` fails when the lock lacks something.
set -euo pipefail

folder=$1 lock=$2

# Resolved, because the first one in PATH may be the link in FOLDER itself, which goes away.
python=$(realpath "$(command -v python3.11 || command -v python3)")
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "Python 3.11 or newer is needed: install it and run make again" >&2; exit 1; }

rm -rf "$folder"
"$python" -m venv "$folder"
pip() { "$folder/bin/python" -m pip --disable-pip-version-check "$@"; }
pip --version
pip install --no-deps --only-binary :all: --require-hashes --requirement "$lock"
pip check
