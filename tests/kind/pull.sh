#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pull.sh IMAGE: exit 0 when the engine has the image or can pull it, 1 when not. Not being able to is a normal case
# here, so it has to show fast: no sign of the registry within 15 s means no, and so it stays for an hour
# (build/stamps/no-registry).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

image=$1

registry_answers() {
  local pid
  docker pull "$image" >"$answer" 2>&1 &
  pid=$!
  for ((i = 0; i < 150; i++)); do
    # This line comes with the manifest, before the layers, which may take minutes.
    if grep -q 'Pulling from' "$answer" || ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || grep -q 'Pulling from' "$answer"
}

if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi
if [[ -n $(find "$STAMPS/no-registry" -mmin -60 2>/dev/null) ]]; then exit 1; fi
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
if registry_answers; then
  phase "Pull $image" docker pull "$image"
  exit 0
fi
echo "   $image cannot be pulled ($(tail -n 1 "$answer" | cut -c 1-120))" >&2
touch "$STAMPS/no-registry"
exit 1
