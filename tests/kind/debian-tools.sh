#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# debian-tools.sh PROGRAM...: links programs into build/bin that unit tests call and that are Debian packages of the same
# name: those in PATH, else installed as root on Debian or Ubuntu. Anywhere else: one line of advice.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_packages() {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

missing=()
for program in "$@"; do command -v "$program" >/dev/null || missing+=("$program"); done
if ((${#missing[@]})); then
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "Install ${missing[*]} (Debian packages of that name; Homebrew has shellcheck)." >&2
    exit 1
  fi
  phase "Install ${missing[*]}" install_packages "${missing[@]}"
fi
for program in "$@"; do
  path=$(command -v "$program")
  [[ $path == "$BIN/$program" ]] || ln -sf "$path" "$BIN/$program"
done
