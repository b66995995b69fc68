#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds API servers from Go modules, for tests against several versions of Kubernetes. Needs Go; minutes each, once.
#   build.sh 1.29         build/matrix/v1.29/kube-apiserver, of the module v1.29/
#   build.sh etcd         build/matrix/etcd, in the version of ../kind/go.mod
#   build.sh crdcheck     build/bin/crdcheck, of the oldest Kubernetes: see crdcheck/main.go
#   build.sh --minors     lists the minors that have a module here, the oldest first
# Several arguments: one after the other. What has not changed is not built again.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../kind/common.sh"
cd ../matrix

minors() { printf '%s\n' v*/go.mod | sed 's,^v,,; s,/go.mod$,,' | sort --version-sort; }

compile() {  # $1: folder of the module, $2: program to write, $3: package
  local version minor
  version=$(awk '$1 == "k8s.io/kubernetes" {print $2; exit}' "$1/go.mod")
  minor=${version#v1.}
  # What the API server answers as its version; a program that has no such variable ignores the flag.
  # The clouds that were part of 1.29 and 1.30 are half of what there is to compile.
  CGO_ENABLED=0 nice go -C "$1" build -v -trimpath -tags providerless -o "$2" -ldflags "-s -w
    -X k8s.io/component-base/version.gitVersion=$version
    -X k8s.io/component-base/version.gitMajor=1
    -X k8s.io/component-base/version.gitMinor=${minor%%.*}" "$3"
}

build() {  # $1: name for people, then as compile()
  local name=$1 stamp inputs
  shift
  mkdir -p "$(dirname "$2")"
  stamp=$STAMPS/matrix-$(tr -c '[:alnum:]\n' - <<<"$name")
  inputs=$(cat "$1/go.mod" "$1/go.sum" crdcheck/main.go build.sh <(go env GOVERSION GOARCH) | digest)
  if [[ -x $2 && -f $stamp && $(<"$stamp") == "$inputs" ]]; then return; fi
  PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
    phase "Build $name (from Go modules)" compile "$@"
  echo "$inputs" >"$stamp"
}

usage() { sed -n -e 1d -e '/^#/!q' -e '/SPDX/d' -e 's/^# *//p' build.sh >&2; exit 2; }

(($#)) || usage
if [[ $1 == --minors ]]; then
  minors
  exit
fi
command -v go >/dev/null || { echo "Install Go (https://go.dev/dl/): API servers are built from Go modules" >&2; exit 1; }
# One build at a time: each takes all cores.
alone matrix
for what in "$@"; do
  case $what in
    etcd) build etcd ../kind "$BUILD/matrix/etcd" go.etcd.io/etcd/server/v3 ;;
    crdcheck) build crdcheck "v$(minors | head -n 1)" "$BIN/crdcheck" ../crdcheck/main.go ;;
    *)
      [[ -f v$what/go.mod ]] || usage
      build "kube-apiserver $what" "v$what" "$BUILD/matrix/v$what/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
      ;;
  esac
done
