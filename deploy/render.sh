#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes manifests/, the chart as plain manifests for those who do not use Helm, and the copy of the chart's values that its
# templates read (see templates/_helpers.tpl).
#   deploy/render.sh           writes them
#   deploy/render.sh --check   fails when the committed ones are not what the chart gives
# HELM names the helm to use; default: build/bin/helm, else the one on the PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
chart=$here/chart/exposedapp
namespace=exposedapp-system

case $* in '' | --check) ;; *) echo "usage: $0 [--check]" >&2; exit 2 ;; esac

if [ -z "${HELM:-}" ]; then
  HELM=$here/../build/bin/helm
  [ -x "$HELM" ] || HELM=$(command -v helm) || {
    echo "$0: no helm in build/bin or on the PATH: run tests/kind/tools.sh, or name one in HELM" >&2
    exit 1
  }
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Helm has no part in what is applied with kubectl: drop the lines that say so, and the empty lines
# between documents, which helm 4 writes and helm 3 does not.
render() {
  # Some builds of helm take 1.20 for the cluster's version when there is no cluster to ask.
  "$HELM" template exposedapp "$chart" --namespace "$namespace" --kube-version 1.29.0 \
    --skip-tests --set image.repository=unset "$@" > "$tmp/chart.yaml"
  sed -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d' -e '/^ *helm\.sh\/chart: /d' \
    -e '/^# Source: /d' -e 's/image: "unset:.*"/image: ""/' "$tmp/chart.yaml" |
    awk '/^$/ { empty = empty "\n"; next } /^---$/ { empty = "" } { print empty $0; empty = "" }'
}

# $1: what was rendered, $2: where it belongs
update() {
  if [ -z "$check" ]; then
    cp "$1" "$2"
  elif ! diff -u "$2" "$1" >&2; then
    echo "$0: $2 is not what the chart gives; run deploy/render.sh and commit it" >&2
    exit 1
  fi
}

check=$*
update "$chart/values.yaml" "$chart/files/values.yaml"
{
  cat << 'END'
# Generated from deploy/chart/exposedapp by deploy/render.sh: do not edit.
#   kubectl apply --server-side -f deploy/manifests/crd.yaml
#
# Deleting this CustomResourceDefinition deletes every ExposedApp in the cluster, and with each its Deployment and Service.
# It is a file of its own so that removing the operator (operator.yaml) leaves all of them running.
END
  render --show-only templates/crd.yaml
} > "$tmp/crd.yaml"
{
  cat << END
# Generated from deploy/chart/exposedapp by deploy/render.sh: do not edit.
#
# The operator, without its CustomResourceDefinition (crd.yaml, to be applied first). No image is published: the API server
# refuses the Deployment until one is named.
#   sed "s,image: .*,image: REGISTRY/NAME:TAG," deploy/manifests/operator.yaml | kubectl apply --server-side -f -
#
# Deleting what is in this file leaves every app running, and nothing that keeps it so.
---
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    pod-security.kubernetes.io/enforce: restricted
END
  render --set crds.install=false
} > "$tmp/operator.yaml"
{
  cat << 'END'
# Generated from deploy/chart/exposedapp by deploy/render.sh: do not edit.
#   kubectl apply --server-side -f deploy/manifests/policies.yaml
#
# For Kubernetes 1.30 and newer: authors of ExposedApps need the right to create the Deployments and Services that the
# operator creates for them. Without it, rights on exposedapps are as much as these.
END
  render --kube-version 1.30.0 --show-only templates/author-policy.yaml
} > "$tmp/policies.yaml"
update "$tmp/crd.yaml" "$here/manifests/crd.yaml"
update "$tmp/operator.yaml" "$here/manifests/operator.yaml"
update "$tmp/policies.yaml" "$here/manifests/policies.yaml"
