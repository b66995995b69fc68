#!/usr/bin/env bash
# cluster.sh up [three-nodes|single-node]     a kind cluster that works; made only when it is not there, or broken
# cluster.sh down [three-nodes|single-node]   deletes it; images and programs stay
# The first is called exposedapp (kubeconfig: build/kubeconfig), the second exposedapp-single (build/kubeconfig-single).
# CLUSTER_NAME=other gives another name (build/kubeconfig-other); NODE_IMAGE another Kubernetes, see node-image.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./phase.sh

BUILD=$(cd ../.. && pwd)/build
BIN=$BUILD/bin

usage() { sed -n '2,3s/^# //p' cluster.sh >&2; exit 2; }

command=${1:-}
shape=${2:-three-nodes}
case $shape in
  three-nodes) name=exposedapp kubeconfig=$BUILD/kubeconfig ;;
  single-node) name=exposedapp-single kubeconfig=$BUILD/kubeconfig-single ;;
  *) usage ;;
esac
if [[ -n ${CLUSTER_NAME:-} && $CLUSTER_NAME != "$name" ]]; then
  name=$CLUSTER_NAME
  kubeconfig=$BUILD/kubeconfig-$name
fi

kind() { "$BIN/kind" "$@"; }
kubectl() { "$BIN/kubectl" --kubeconfig "$kubeconfig" "$@"; }

node_containers() { docker ps --all --filter "label=io.x-k8s.kind.cluster=$name" "$@"; }

# An engine that was killed leaves stopped containers, and a deleted or new cluster an old kubeconfig.
broken() {
  [[ -n $(node_containers --filter status=exited --filter status=dead --filter status=created --quiet) ]] ||
    ! kind --quiet export kubeconfig --name "$name" --kubeconfig "$kubeconfig" ||
    ! kubectl get --raw /readyz --request-timeout 5s >/dev/null 2>&1
}

# Nothing waits here when the cluster is well.
wait_until_ready() {
  echo "waiting for the nodes to be Ready"
  kubectl wait --for=condition=Ready nodes --all --timeout 180s
  echo "waiting for the cluster's DNS"
  kubectl --namespace kube-system rollout status deployment/coredns --timeout 180s
}

create() { kind create cluster --name "$name" --config "$shape.yaml" --image "$1" --kubeconfig "$kubeconfig"; }

up() {
  local image
  ./tools.sh user
  mkdir -p "$BUILD"
  # Two at a time would make the same cluster twice.
  exec 9>"$BUILD/cluster-$name.lock"
  flock 9
  if [[ -n $(node_containers --quiet) ]] && broken; then
    phase "Delete cluster $name (it is broken)" "$BIN/kind" delete cluster --name "$name" --kubeconfig "$kubeconfig"
  fi
  if [[ -z $(node_containers --quiet) ]]; then
    image=$(./node-image.sh)
    PHASE_HINT="tests/kind/cluster.sh down $shape, then again; the nodes' logs: docker logs $name-control-plane" \
      phase "Create cluster $name ($shape)" create "$image"
  fi
  PHASE_HINT="tests/kind/cluster.sh down $shape, then up again; what is wrong: kubectl --kubeconfig $kubeconfig get pods -A" \
    phase "Wait for cluster $name" wait_until_ready
}

case $command in
  up)
    ./docker.sh
    up
    ;;
  down)
    if [[ -x $BIN/kind ]] && docker version >/dev/null 2>&1; then
      kind delete cluster --name "$name" --kubeconfig "$kubeconfig"
    fi
    rm -f "$kubeconfig"
    ;;
  *) usage ;;
esac
