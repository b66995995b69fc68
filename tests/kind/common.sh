# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # sourced: others use what is set here
# Where things are, and which cluster is meant. For bash 3.2 and BSD tools too, as on macOS: neither mapfile, nor flock,
# sha256sum or timeout are everywhere (tests/unit/repository/test_portable_scripts.py).
cd "$(dirname "${BASH_SOURCE[0]}")" || exit
. ./phase.sh

BUILD=$(cd ../.. && pwd)/build
BIN=$BUILD/bin
# Apart from those that people call: an engine would take our containerd-shim-runc-v2 from PATH for its own.
NODE_BIN=$BUILD/node-bin
STAMPS=$BUILD/stamps
# What is built here is named under a registry that no registry can be: a name without one is Docker Hub's, where anybody
# can register what is missing.
LOCAL=localhost/exposedapp
mkdir -p "$BIN" "$NODE_BIN" "$STAMPS"

# Docker Desktop and its like run the engine in a virtual machine: there the nodes' addresses lead nowhere.
nodes_are_reachable() {
  [[ $(uname -s) == Linux && $(docker info --format '{{.OperatingSystem}}' 2>/dev/null) != "Docker Desktop" ]]
}

# $1 is a shape, the name of a kind configuration beside this file; CLUSTER_NAME overrides the name that follows from it.
use_cluster() {
  shape=${1:-$(if nodes_are_reachable; then echo three-nodes; else echo localhost; fi)}
  if [[ ! -f $shape.yaml ]] || ! grep -q '^kind: Cluster$' "$shape.yaml"; then
    echo "There is no cluster shape $shape: $(grep -l '^kind: Cluster$' ./*.yaml | sed 's,./,,; s,.yaml,,' | paste -sd ' ' -)" >&2
    exit 2
  fi
  case $shape in
    three-nodes | localhost) name=exposedapp ;;
    *) name=exposedapp-${shape%-node} ;;
  esac
  name=${CLUSTER_NAME:-$name}
  kubeconfig=$BUILD/kubeconfig-${name#exposedapp-}
  [[ $name != exposedapp ]] || kubeconfig=$BUILD/kubeconfig
}

# Until this script ends, no other one with the same $1: two at a time would write over each other. Once in a script.
alone() {
  local lock=$STAMPS/$1.lock waiting="   waiting for another run ($1)"
  if command -v flock >/dev/null; then
    exec 9>"$lock"
    flock -n 9 || { echo "$waiting" >&2; flock 9; }
    return
  fi
  # A link is made in one step, and names the process; one that has ended holds nothing.
  until ln -s "$$" "$lock.pid" 2>/dev/null; do
    if kill -0 "$(readlink "$lock.pid")" 2>/dev/null; then
      echo "$waiting" >&2
      sleep 1
    else
      rm -f "$lock.pid"
    fi
  done
}

# $1: seconds, where there is such a program; then a command.
limited() { if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi; }

need_nodes() {  # of the cluster that use_cluster named. Sets nodes
  local node
  nodes=()
  while read -r node; do nodes+=("$node"); done < <("$BIN/kind" get nodes --name "$name" 2>/dev/null)
  if ((${#nodes[@]} == 0)); then
    echo "There is no cluster $name to load images into: tests/kind/cluster.sh up $shape" >&2
    exit 1
  fi
}

# The nodes that lack an image, or have another one by its fixed tag. (kind's own check needs crictl in the node.)
missing_on() {  # $@: images, each NAME:TAG
  local node
  for node in "${nodes[@]}"; do
    docker exec "$node" ctr --namespace k8s.io images ls 2>/dev/null | awk -v images="$*" -v local="$LOCAL/" '
      {digest[$1] = $3}
      END {
        split(images, image, " ")
        for (i in image) {
          ref = fixed = local image[i]
          sub(/:.*/, ":dev", fixed)
          if (!(ref in digest) || digest[ref] != digest[fixed]) exit 1
        }
      }' || echo "$node"
  done
}

load_images() {  # $@: images, each NAME:TAG, which the engine has as NAME:dev too. To the nodes that need it
  local missing refs=("$@" "${@/%:*/:dev}")
  missing=$(missing_on "$@" | paste -sd , -)
  [[ -z $missing ]] || phase "Load ${*%:*} into $name" "$BIN/kind" load docker-image --name "$name" \
    --nodes "$missing" "${refs[@]/#/$LOCAL/}"
}

if command -v sha256sum >/dev/null; then SHA256=(sha256sum); else SHA256=(shasum -a 256); fi
digest() { "${SHA256[@]}" | cut -c 1-12; }

# Puts the Go program $1 into build/bin, in the version of the module $1/, or of another one: MODULE/PROGRAM; $2: what to
# install without Go; then flags for `go build`. Made anew when the module, the program's script or Go has changed.
go_tool() {
  local module=${1%/*} tool=${1##*/} instead=$2 package stamp=$STAMPS/${1##*/} found wanted
  shift 2
  if ! command -v go >/dev/null; then
    if found=$(command -v "$tool"); then
      [[ $found == "$BIN/$tool" ]] || ln -sf "$found" "$BIN/$tool"
      return
    fi
    echo "Install Go (https://go.dev/dl/), or $instead" >&2
    exit 1
  fi
  alone "$tool"
  wanted=$({
    cat "$module/go.mod" "$module/go.sum" "$tool.sh"
    find "$module" -name '*.go' -exec cat {} +
    go env GOVERSION GOARCH
  } | digest)
  if [[ -x $BIN/$tool && -f $stamp && $(<"$stamp") == "$wanted" ]]; then return; fi
  # `go build tool` would build every program that the module has.
  package=$(sed -En "s,^(tool )?[[:space:]]*([^[:space:]]+/$tool)\$,\2,p" "$module/go.mod")
  PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
    phase "Build $tool (from Go modules)" \
    env CGO_ENABLED=0 go -C "$module" build -v -trimpath "$@" -ldflags "-s -w" -o "$BIN/" "$package"
  echo "$wanted" >"$stamp"
}
