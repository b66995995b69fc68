#!/usr/bin/env bash
# Puts kwok, which keeps fake nodes alive, into build/bin, in the version of kwok/go.mod: for `make bench`.
# A script and a module of its own, because nobody needs it to try the operator. Without Go, it is taken from PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() { CGO_ENABLED=0 go -C kwok build -v -trimpath -ldflags "-s -w" -o "$BIN/" tool; }

if ! command -v go >/dev/null; then
  if found=$(command -v kwok); then
    [[ $found == "$BIN/kwok" ]] || ln -sf "$found" "$BIN/kwok"
    exit 0
  fi
  echo "Install Go (https://go.dev/dl/), or kwok (https://kwok.sigs.k8s.io)" >&2
  exit 1
fi

alone kwok
stamp=$STAMPS/kwok
wanted=$(cat kwok/go.mod kwok/go.sum kwok.sh <(go env GOVERSION GOARCH) | digest)
if [[ -x $BIN/kwok && -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi

PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
  phase "Build kwok (from Go modules)" build
echo "$wanted" >"$stamp"
