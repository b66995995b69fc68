#!/bin/sh
# Writes manifests/install.yaml, the chart as plain manifests for those who do not use Helm, and the copy of the
# chart's values that its templates read (see templates/_helpers.tpl).
#   deploy/render.sh           writes them
#   deploy/render.sh --check   fails when the committed ones are not what the chart gives
# HELM names the helm to use; default: build/bin/helm, else the one on the PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/manifests/install.yaml
namespace=exposedapp-system

case $* in '' | --check) ;; *) echo "usage: $0 [--check]" >&2; exit 2 ;; esac

if [ -z "${HELM:-}" ]; then
  HELM=$here/../build/bin/helm
  [ -x "$HELM" ] || HELM=$(command -v helm) || {
    echo "$0: no helm in build/bin or on the PATH: run tests/kind/tools.sh, or name one in HELM" >&2
    exit 1
  }
fi

values=$here/chart/exposedapp/values.yaml
copy=$here/chart/exposedapp/files/values.yaml
if [ $# = 0 ]; then
  cp "$values" "$copy"
elif ! diff -u "$copy" "$values" >&2; then
  echo "$0: $copy is not a copy of values.yaml; run deploy/render.sh and commit it" >&2
  exit 1
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Some builds of helm take 1.20 for the cluster's version when there is no cluster to ask.
"$HELM" template exposedapp "$here/chart/exposedapp" --namespace "$namespace" \
  --kube-version 1.29.0 > "$tmp/chart.yaml"

cat > "$tmp/install.yaml" <<END
# Generated from deploy/chart/exposedapp by deploy/render.sh: do not edit.
#   kubectl apply --server-side -f install.yaml
---
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    pod-security.kubernetes.io/enforce: restricted
END
# Helm has no part in what is applied with kubectl: drop the lines that say so, and the empty lines
# between documents, which helm 4 writes and helm 3 does not.
sed -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d' -e '/^ *helm\.sh\/chart: /d' \
  -e '/^# Source: /d' "$tmp/chart.yaml" |
  awk '/^$/ { empty = empty "\n"; next } /^---$/ { empty = "" } { print empty $0; empty = "" }' \
    >> "$tmp/install.yaml"

if [ $# = 0 ]; then
  cp "$tmp/install.yaml" "$out"
elif ! diff -u "$out" "$tmp/install.yaml" >&2; then
  echo "$0: $out is not what the chart gives; run deploy/render.sh and commit it" >&2
  exit 1
fi
