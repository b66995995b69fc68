#!/usr/bin/env bash
# build.sh MINOR PROGRAM...     builds programs of that Kubernetes (1.29) into build/matrix/v1.29, from the Go module v1.29/:
#   kube-apiserver               the API server
#   crdcheck                     its validation of CustomResourceDefinitions as a program: see crdcheck/main.go
#   build.sh --minors            lists the minors that there are, the oldest first
# A program is built again when its module, its source or Go has changed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../kind/common.sh"
cd ../matrix

minors() { printf '%s\n' v*/go.mod | sed 's,^v,,; s,/go.mod$,,' | sort --version-sort; }

package_of() {
  case $1 in
    kube-apiserver) echo k8s.io/kubernetes/cmd/kube-apiserver ;;
    crdcheck) echo ../crdcheck/main.go ;;
    *) echo "There is no program $1: kube-apiserver, crdcheck" >&2; return 2 ;;
  esac
}

build() {  # $1: program, $2: package
  local version
  version=$(awk '$1 == "k8s.io/kubernetes" {print $2; exit}' "$module/go.mod")
  # What /version answers, and what features depend on; a program that has no such variable ignores the flag.
  local flags="-s -w
    -X k8s.io/component-base/version.gitVersion=$version
    -X k8s.io/component-base/version.gitMajor=1
    -X k8s.io/component-base/version.gitMinor=${minor#1.}"
  CGO_ENABLED=0 nice go -C "$module" build -v -trimpath -ldflags "${flags//$'\n'/ }" -o "$into/$1" "$2"
}

if [[ ${1:-} == --minors ]]; then
  minors
  exit
fi
minor=${1:-}
module=v$minor
if (($# < 2)) || [[ ! -f $module/go.mod ]]; then
  echo "usage: build.sh MINOR PROGRAM..., with a MINOR of $(minors | paste -sd ' ')" >&2
  exit 2
fi
shift
command -v go >/dev/null || { echo "Install Go (https://go.dev/dl/): API servers are built from Go modules." >&2; exit 1; }

into=$BUILD/matrix/$module
mkdir -p "$into"
# One build at a time: each takes all cores, and shares packages with the next one.
alone matrix
for program in "$@"; do
  package=$(package_of "$program")
  stamp=$STAMPS/matrix-$module-$program
  inputs=$(cat "$module"/go.{mod,sum} crdcheck/main.go build.sh <(go env GOVERSION GOARCH) | digest)
  if [[ -x $into/$program && -f $stamp && $(<"$stamp") == "$inputs" ]]; then continue; fi
  PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
    phase "Build $program of Kubernetes $minor (from Go modules)" build "$program" "$package"
  echo "$inputs" >"$stamp"
done
