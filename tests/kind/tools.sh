#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts programs into build/, in the versions of go.mod:
#   tools.sh user     build/bin: what people and tests call: kind, kubectl, helm, kstatus (default)
#   tools.sh node     build/node-bin: what runs inside a node that is built here (not needed where one can be pulled)
# To add one: `go get -tool PACKAGE@VERSION` here, and its package to a group below.
# Without Go, the programs of group user are taken from PATH, all but our own (./...), which only unit tests call.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

user=(
  sigs.k8s.io/kind
  k8s.io/kubernetes/cmd/kubectl
  helm.sh/helm/v4/cmd/helm
  ./kstatus
)
node=(
  k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy,kubelet,kubeadm,kubectl}
  go.etcd.io/etcd/server/v3
  github.com/coredns/coredns
  github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}
  github.com/containernetworking/plugins/plugins/{ipam/host-local,main/loopback,main/ptp,meta/portmap}
)

version_of() { awk -v module="$1" '$1 == module && $2 ~ /^v/ {print $2; exit}' go.mod; }

program_of() {  # the name go build gives it, with the one exception that says nothing
  case $1 in
    go.etcd.io/etcd/server/v3) echo etcd ;;
    *) basename "$1" ;;
  esac
}

build() {
  local kubernetes helm minor flags version=k8s.io/component-base/version
  kubernetes=$(version_of k8s.io/kubernetes)
  helm=$(version_of helm.sh/helm/v4)
  minor=${kubernetes#v1.}
  # kubeadm and kubectl look at these; a program that has no such variable ignores the flag.
  flags="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}"
  flags="$flags -X $version.gitTreeState=clean -X $version.gitCommit=unknown"
  flags="$flags -X helm.sh/helm/v4/internal/version.version=$helm"
  CGO_ENABLED=0 go build -v -trimpath -ldflags "$flags" -o "$into/" "$@"
  [[ " $* " != *" go.etcd.io/etcd/server/v3 "* ]] || mv "$into/server" "$into/etcd"
}

link_from_path() {
  local package program found missing=()
  for package in "$@"; do
    [[ $package != ./* ]] || continue
    program=$(program_of "$package")
    if found=$(command -v "$program"); then
      [[ $found == "$BIN/$program" ]] || ln -sf "$found" "$BIN/$program"
    else
      missing+=("$program")
    fi
  done
  if ((${#missing[@]})); then
    echo "Install Go (https://go.dev/dl/), or these programs: ${missing[*]}" >&2
    exit 1
  fi
}

group=${1:-user}
case $group in
  user) packages=("${user[@]}") into=$BIN ;;
  node) packages=("${node[@]}") into=$NODE_BIN ;;
  *) echo "usage: tools.sh [user|node]" >&2; exit 2 ;;
esac
if [[ $group == node && $(uname -s) != Linux ]]; then
  echo "The node image cannot be pulled, and only Linux can build one: see tests/kind/README.md." >&2
  exit 1
fi

if ! command -v go >/dev/null; then
  if [[ $group == user ]]; then link_from_path "${user[@]}"; exit 0; fi
  echo "Building the node image needs Go (https://go.dev/dl/), or a node image to pull: see tests/kind/README.md." >&2
  exit 1
fi

alone tools
stamp=$STAMPS/tools-$group
wanted=$(cat go.mod go.sum tools.sh kstatus/main.go <(go env GOVERSION GOARCH) | digest)
complete=yes
for package in "${packages[@]}"; do [[ -x $into/$(program_of "$package") ]] || complete=; done
if [[ $complete && -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi

PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
  phase "Build the tools ($group, from Go modules)" build "${packages[@]}"
# Same sources, same programs: node-image.sh takes this to see whether its image is still the right one.
for package in "${packages[@]}"; do cat "$into/$(program_of "$package")"; done | digest >"$stamp-content"
echo "$wanted" >"$stamp"
