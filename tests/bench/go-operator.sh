#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts go-operator, the benchmark's controller-runtime operator, into build/bin: for `make bench`.
# Compiling controller-runtime takes minutes, once.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../kind/common.sh"
cd ../bench

go_tool go-operator "measure without it: python -m bench --subject floor,tutorial,operator"
