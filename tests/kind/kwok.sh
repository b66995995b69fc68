#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts kwok, which keeps fake nodes alive, into build/bin, in the version of kwok/go.mod: for `make bench`.
# A script and a module of its own, because nobody needs it to try the operator. Without Go, it is taken from PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

go_tool kwok "kwok (https://kwok.sigs.k8s.io)"
