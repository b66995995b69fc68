#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts promtool into build/bin, in the version of promtool/go.mod: unit tests check the alerts and the metrics with it.
# A script and a module of its own, because nobody needs it to try the operator. Without Go, it is taken from PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Without what finds targets in a dozen clouds, which is half of it.
go_tool promtool promtool -tags remove_all_sd
