#!/usr/bin/env bash
# Puts promtool into build/bin, in the version of promtool/go.mod: unit tests check the alerts and the metrics with it.
# A script and a module of its own, because nobody needs it to try the operator. Without Go, it is taken from PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {  # without what finds targets in a dozen clouds, which is half of it
  CGO_ENABLED=0 go -C promtool build -v -trimpath -tags remove_all_sd -ldflags "-s -w" -o "$BIN/" tool
}

if ! command -v go >/dev/null; then
  if found=$(command -v promtool); then
    [[ $found == "$BIN/promtool" ]] || ln -sf "$found" "$BIN/promtool"
    exit 0
  fi
  echo "Install Go (https://go.dev/dl/), or promtool" >&2
  exit 1
fi

alone promtool
stamp=$STAMPS/promtool
wanted=$(cat promtool/go.mod promtool/go.sum promtool.sh <(go env GOVERSION GOARCH) | digest)
if [[ -x $BIN/promtool && -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi

PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
  phase "Build promtool (from Go modules)" build
echo "$wanted" >"$stamp"
