#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts argodiff into build/bin: it compares objects as Argo CD does, for unit and end-to-end tests.
# A module of its own, because Argo CD's package needs other versions than ../go.mod has for a node.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

go_tool argodiff "leave out the tests that need argodiff"
