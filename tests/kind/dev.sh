#!/usr/bin/env bash
# Runs the operator on this machine against the local cluster, and again after every edit. Run by `make dev`.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Two operators would write over each other: the one in the cluster rests meanwhile.
installed() { kubectl --namespace exposedapp-system get deployment exposedapp >/dev/null 2>&1; }
rest() { kubectl --namespace exposedapp-system scale deployment exposedapp --replicas="$1"; }
if installed; then
  rest 0
  trap 'rest 1' EXIT
fi
kubectl apply --server-side --force-conflicts -f deploy/chart/exposedapp/files/crd.yaml

export EXPOSEDAPP_LOG_LEVEL=${EXPOSEDAPP_LOG_LEVEL:-DEBUG} EXPOSEDAPP_HEALTH_PORT=${EXPOSEDAPP_HEALTH_PORT:-18080}
watchfiles --filter python 'python -m exposedapp.main' operator
