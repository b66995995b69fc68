#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes sure that there is a Chromium for the tests and the screenshots of the catalog. One that is in PATH is used as it
# is. Else, as root on Debian, the distribution's is installed; it stays after this script.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_chromium() {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core
}

alone chromium
if command -v chromium >/dev/null; then exit 0; fi
if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "The tests of the catalog need the program chromium in PATH: install it (Debian: apt-get install chromium)." >&2
  exit 1
fi
PHASE_HINT="check that Debian packages can be downloaded (apt-get update), then run this again" \
  phase "Install Chromium" install_chromium
