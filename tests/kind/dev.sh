#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the operator on this machine against the local cluster, and again after every edit. Run by `make dev`.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The operator in the cluster is scaled to 0 meanwhile: it would hold the Lease.
replicas() { kubectl --namespace exposedapp-system get deployment exposedapp -o jsonpath='{.spec.replicas}' 2>/dev/null; }
scale() { kubectl --namespace exposedapp-system scale deployment exposedapp --replicas="$1"; }
if before=$(replicas); then
  scale 0
  trap 'scale "$before"' EXIT
  export EXPOSEDAPP_LEASE_NAMESPACE=exposedapp-system
fi
kubectl apply --server-side --force-conflicts -f deploy/chart/exposedapp/files/crd.yaml

export EXPOSEDAPP_LOG_LEVEL=${EXPOSEDAPP_LOG_LEVEL:-DEBUG} EXPOSEDAPP_HEALTH_PORT=${EXPOSEDAPP_HEALTH_PORT:-18080}
watchfiles --filter python 'python -m exposedapp.main' operator
