#!/usr/bin/env bash
# pull.sh IMAGE: exit 0 when the engine has the image or can pull it, 1 when not. Not being able to is a normal case
# here, so it has to show fast: no sign of the registry within 15 s means no, for the next ten minutes too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./phase.sh

image=$1
stamps=$(cd ../.. && pwd)/build/stamps

pull() {
  docker pull "$image" >"$answer" 2>&1 &
  local pid=$!
  for ((i = 0; i < 150; i++)); do
    # This line comes with the manifest, before the layers, which may take minutes.
    if grep -q 'Pulling from' "$answer" || ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  grep -q 'Pulling from' "$answer" || kill "$pid" 2>/dev/null || true
  wait "$pid"
}

if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi
if [[ -n $(find "$stamps/no-registry" -mmin -10 2>/dev/null) ]]; then exit 1; fi
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
if pull; then exit 0; fi
echo "   $image cannot be pulled ($(tail -n 1 "$answer" | cut -c 1-120))" >&2
mkdir -p "$stamps"
touch "$stamps/no-registry"
exit 1
