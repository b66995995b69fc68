#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# metrics.sh [three-nodes|single-node]: a metrics server in that cluster, for HorizontalPodAutoscalers and `kubectl top`.
# Built from metrics/go.mod; the image's tag is a hash of what it is made from, so nothing is made twice.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
use_cluster "${1:-}"
export KUBECONFIG=$kubeconfig PATH=$BIN:$PATH

build() {
  CGO_ENABLED=0 go -C metrics build -v -trimpath -ldflags "-s -w" -o "$NODE_BIN/" tool
  tar --create --directory "$NODE_BIN" --owner 0 --group 0 metrics-server |
    docker import --change 'ENTRYPOINT ["/metrics-server"]' - "$LOCAL/$image"
}

measured() {  # how many nodes have metrics
  kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes 2>/dev/null | grep -o '"usage"' | wc -l || true
}

serve() {
  local end=$((SECONDS + 120))
  sed "s,metrics-server:dev,$image," metrics.yaml | kubectl apply -f -
  kubectl --namespace kube-system rollout status deployment/metrics-server --timeout 120s
  until (($(measured) >= ${#nodes[@]})); do
    echo "waiting for the metrics of ${#nodes[@]} nodes"
    ((SECONDS < end)) || return 1
    sleep 1
  done
}

need_nodes
alone metrics

if ! command -v go >/dev/null; then
  if (($(measured) >= ${#nodes[@]})); then exit 0; fi
  echo "Building the metrics server needs Go (https://go.dev/dl/); one that you install in $name yourself will do too." >&2
  exit 1
fi

image=metrics-server:$(cat metrics/go.mod metrics/go.sum metrics.sh <(go env GOVERSION GOARCH) | digest)
if ! docker image inspect "$LOCAL/$image" >/dev/null 2>&1; then
  PHASE_HINT="check that Go modules can be downloaded (go env GOPROXY), then run this again: what is compiled stays" \
    phase "Build the metrics server" build
fi
docker tag "$LOCAL/$image" $LOCAL/metrics-server:dev
load_images "$image"
PHASE_HINT="what is wrong: kubectl --kubeconfig $kubeconfig -n kube-system logs deployment/metrics-server" \
  phase "Wait for the metrics of cluster $name" serve
