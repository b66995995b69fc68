#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# requirements.sh: says what `make demo` needs and this machine lacks, all of it at once; exit code 1 then. Changes nothing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

missing=0
lacks() { missing=1; echo "missing: $*" >&2; }
has() { command -v "$1" >/dev/null; }

case $(uname -s) in
  Linux | Darwin) ;;
  *) lacks "Linux or macOS; on Windows, run this in WSL 2 with Docker Desktop" ;;
esac

for program in awk curl git make sed tar; do
  has "$program" || lacks "$program"
done

if ! limited 20 docker version >/dev/null 2>&1; then
  if [[ $EUID -eq 0 ]] && has apt-get; then
    echo "note: no Docker engine answers, so Debian's is installed (docker.io) and started" >&2
  else
    lacks "a Docker engine that answers (https://docs.docker.com/get-started/get-docker/)"
  fi
fi

if ! has go; then
  for program in kind kubectl helm; do
    has "$program" || lacks "Go 1.21 or newer (https://go.dev/dl/), or else $program"
  done
fi

if ! "$BUILD/venv/bin/python" -m pip --version >/dev/null 2>&1 && ! python3 -m pip --version >/dev/null 2>&1; then
  lacks "Python 3 with pip (Debian: python3-pip)"
fi

exit "$missing"
