#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts the Prometheus server into build/bin, in promtool's version: `make dashboard` runs the dashboard's queries in it.
# A script of its own, because no test needs it: it is many times promtool. Without Go, it is taken from PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Its targets are in its configuration, so it finds none by itself.
go_tool promtool/prometheus prometheus -tags remove_all_sd
