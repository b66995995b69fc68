#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pin.sh v1.38.0     writes v1.38/go.mod and go.sum, which build.sh builds that Kubernetes from; replaces another patch.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=${1:?"usage: pin.sh v1.38.0"}
folder=${version%.*}
module=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')

mkdir -p "$folder"
rm -f "$folder"/go.{mod,sum}
# In its own repository Kubernetes takes these modules from folders; v1.38.0 of it belongs to v0.38.0 of each.
{
  printf 'module exposedapp.dev/tests/matrix/%s\n\n' "$folder"
  grep '^go ' "$module"
  printf '\nreplace (\n'
  sed -n 's#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#\1#p' "$module" | sed "s#.*#\t& => & v0.${version#v1.}#"
  printf ')\n'
} >"$folder/go.mod"
go -C "$folder" get -tool "k8s.io/kubernetes/cmd/kube-apiserver@$version"
