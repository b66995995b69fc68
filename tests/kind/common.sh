# shellcheck shell=bash disable=SC2034  # sourced: others use what is set here
# Where things are, and which cluster is meant.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit
. ./phase.sh

BUILD=$(cd ../.. && pwd)/build
BIN=$BUILD/bin
# Apart from those that people call: an engine would take our containerd-shim-runc-v2 from PATH for its own.
NODE_BIN=$BUILD/node-bin
STAMPS=$BUILD/stamps
mkdir -p "$BIN" "$NODE_BIN" "$STAMPS"

# $1 is a shape, the name of a kind configuration beside this file; CLUSTER_NAME overrides the name that follows from it.
use_cluster() {
  shape=${1:-three-nodes}
  if [[ ! -f $shape.yaml ]] || ! grep -q '^kind: Cluster$' "$shape.yaml"; then
    echo "There is no cluster shape $shape: $(grep -l '^kind: Cluster$' ./*.yaml | sed 's,./,,; s,.yaml,,' | paste -sd ' ')" >&2
    exit 2
  fi
  case $shape in
    three-nodes) name=exposedapp ;;
    *) name=exposedapp-${shape%-node} ;;
  esac
  name=${CLUSTER_NAME:-$name}
  kubeconfig=$BUILD/kubeconfig-${name#exposedapp-}
  [[ $name != exposedapp ]] || kubeconfig=$BUILD/kubeconfig
}

# Until this script ends, no other one with the same $1: two at a time would write over each other.
alone() {
  exec {lock}>"$STAMPS/$1.lock"
  flock --nonblock "$lock" || { echo "   waiting for another run ($1)" >&2; flock "$lock"; }
}

digest() { sha256sum | cut -c 1-12; }
