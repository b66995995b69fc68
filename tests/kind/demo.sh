#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh [three-nodes|localhost]: the main job, seen from outside: a cluster, the operator installed by Helm, an example
# app, and every URL of its status fetched. On `localhost`: those at localhost. Run by `make demo`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
./requirements.sh
use_cluster "${1:-}"
cd ../..

export PATH=$BIN:$PATH KUBECONFIG=$kubeconfig
example=deploy/examples/hello.yaml
operator_namespace=exposedapp-system
values=$BUILD/demo-values.yaml

tests/kind/cluster.sh up "$shape"
tests/kind/images.sh "$shape"
# shellcheck source=/dev/null
source build/images.env

# What kind maps to this machine, for the operator to list as URLs.
mappings() { sed -n 's/^ *\(- {containerPort: .*}\)$/  \1/p' "tests/kind/$shape.yaml"; }
if [[ -n $(mappings) ]]; then { echo "portMappings:"; mappings; } >"$values"; else echo "{}" >"$values"; fi

urls() {
  kubectl get xapp/hello -o jsonpath='{range .status.urls[*]}{@}{"\n"}{end}' |
    if [[ $shape == localhost ]]; then grep '//localhost'; else cat; fi
}

namespace() {
  kubectl create namespace "$operator_namespace" --dry-run=client -o yaml | kubectl apply -f -
  kubectl label --overwrite namespace "$operator_namespace" pod-security.kubernetes.io/enforce=restricted
}

install() {
  namespace
  # The CRD may be there already, from `make dev`.
  helm upgrade --install exposedapp deploy/chart/exposedapp --namespace "$operator_namespace" --take-ownership \
    --set "image.repository=${OPERATOR_IMAGE%:*}" --set "image.tag=${OPERATOR_IMAGE##*:}" --values "$values" \
    --wait --timeout 2m
}

ready() {
  kubectl apply -f "$example"
  kubectl wait --for=condition=Ready xapp/hello --timeout=2m || {
    kubectl get xapp/hello -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}'
    return 1
  }
}

fetch() {  # kube-proxy may be a moment behind the Service: quietly tried again, and the last failure is told
  local try=(curl --silent --fail --noproxy '*' --max-time 5)
  "${try[@]}" --retry 20 --retry-delay 1 --retry-connrefused "$1" || "${try[@]}" --show-error "$1"
}

PHASE_HINT="kubectl --kubeconfig $KUBECONFIG -n $operator_namespace describe pods" \
  phase "Install the operator with Helm" install
PHASE_HINT="kubectl --kubeconfig $KUBECONFIG describe xapp/hello" \
  phase "Apply $example and wait until it is Ready" ready

echo
kubectl get exposedapps
echo
urls | while read -r url; do
  printf '%s  ' "$url"
  fetch "$url" || {
    echo
    echo "This URL does not answer. See: kubectl --kubeconfig $KUBECONFIG describe xapp/hello"
    exit 1
  }
done
cat <<END

It is yours to play with:
  export KUBECONFIG=$KUBECONFIG PATH=$BIN:\$PATH
  kubectl explain exposedapp.spec
  kubectl scale xapp/hello --replicas=4 && kubectl get xapp -w
  make down     deletes the cluster
END
