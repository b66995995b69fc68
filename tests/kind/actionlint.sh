#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts actionlint into build/bin, in the version of actionlint/go.mod: a unit test checks the workflows with it.
# A script and a module of its own, because nobody needs it to try the operator. Without Go, it is taken from PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

go_tool actionlint "actionlint (https://github.com/rhysd/actionlint)"
