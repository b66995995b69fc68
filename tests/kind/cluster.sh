#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cluster.sh up [three-nodes|localhost|single-node|bench]     a kind cluster that works; made only when it is not there, or broken
# cluster.sh down [three-nodes|localhost|single-node|bench]   deletes it; images and programs stay
# The first two are called exposedapp (kubeconfig: build/kubeconfig), the third exposedapp-single (build/kubeconfig-single).
# Where the nodes' addresses lead nowhere, as with Docker Desktop, the second is the default.
# CLUSTER_NAME=other gives another name (build/kubeconfig-other); NODE_IMAGE another Kubernetes, see node-image.txt.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() { sed -n -e 1d -e '/^#/!q' -e '/SPDX/d' -e 's/^# *//p' cluster.sh >&2; exit 2; }

kubectl() { "$BIN/kubectl" --kubeconfig "$kubeconfig" "$@"; }
node_containers() { docker ps --all --filter "label=io.x-k8s.kind.cluster=$name" "$@"; }

# An engine that was killed leaves stopped containers; an API server that was just started needs a moment.
broken() {
  [[ -n $(node_containers --filter status=exited --filter status=dead --filter status=created --quiet) ]] ||
    ! "$BIN/kind" --quiet export kubeconfig --name "$name" --kubeconfig "$kubeconfig" ||
    ! { answers || { sleep 5 && answers; }; }
}
answers() { kubectl get --raw /readyz --request-timeout 5s >/dev/null 2>&1; }

create() {
  if has_ipv6; then cat "$shape.yaml"; else sed 's/ipFamily: dual/ipFamily: ipv4/' "$shape.yaml"; fi |
    "$BIN/kind" create cluster --name "$name" --config - --image "$1" --kubeconfig "$kubeconfig"
}
# The nodes of all clusters share this one limit, and at Linux's default of 128 kube-proxy and kubelet of a seventh node do
# not start ("too many open files"). Until the next boot; who is not root has to raise it as kind's "known issues" say.
raise_inotify_limit() {
  local limit=/proc/sys/fs/inotify/max_user_instances
  if [[ -w $limit ]] && (($(<"$limit") < 512)); then echo 512 >"$limit" || true; fi
}
# Both the kernel and kind's Docker network, which the first cluster made, if there was one.
has_ipv6() {
  grep -q . /proc/net/if_inet6 2>/dev/null &&
    [[ $(docker network inspect --format '{{.EnableIPv6}}' kind 2>/dev/null) != false ]]
}
delete() { "$BIN/kind" delete cluster --name "$name" --kubeconfig "$kubeconfig"; }

wait_until_ready() {
  echo "waiting for the nodes to be Ready"
  kubectl wait --for=condition=Ready nodes --all --timeout 120s
  echo "waiting for the cluster's DNS"
  kubectl --namespace kube-system rollout status deployment/coredns --timeout 120s
}

up() {
  local image
  ./docker.sh
  ./tools.sh user
  alone "cluster-$name"
  if [[ -n $(node_containers --quiet) ]] && broken; then
    phase "Delete cluster $name, which is broken" delete
  fi
  raise_inotify_limit
  if [[ -z $(node_containers --quiet) ]]; then
    image=$(./node-image.sh)
    PHASE_HINT="tests/kind/cluster.sh down $shape, then up again; the nodes' logs: docker logs $name-control-plane" \
      phase "Create cluster $name ($shape)" create "$image"
  fi
  PHASE_HINT="what is wrong: kubectl --kubeconfig $kubeconfig get pods -A; to start anew: tests/kind/cluster.sh down $shape" \
    phase "Wait for cluster $name" wait_until_ready
}

down() {
  if [[ -x $BIN/kind ]] && docker version >/dev/null 2>&1; then
    phase "Delete cluster $name" delete
  fi
  rm -f "$kubeconfig"
}

command=${1:-}
use_cluster "${2:-}"
case $command in
  up | down) "$command" ;;
  *) usage ;;
esac
