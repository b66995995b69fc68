#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# images.sh [three-nodes|single-node]: builds the project's images and loads them into that cluster; what has not
# changed is neither built nor loaded again. images.sh build: builds them only. Writes build/images.env:
#   OPERATOR_IMAGE   tagged by content, so that Helm rolls out a changed operator
#   DEMO_IMAGE       with the fixed tag that the examples name
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ ${1:-} == build ]] || use_cluster "${1:-}"
REPO=$(cd ../.. && pwd)
WHEELS=$BUILD/wheels

# An old engine and a new client without the buildx plugin agree on the old builder only.
DOCKER_BUILDKIT=$(if docker buildx version >/dev/null 2>&1; then echo 1; else echo 0; fi)
export DOCKER_BUILDKIT

host_python() {
  local python
  for python in "$BUILD/venv/bin/python" python3.11 python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      echo "$python"
      return
    fi
  done
  echo "Install pip for Python 3 (Debian: python3-pip); the operator's dependencies are fetched with it." >&2
  exit 1
}

# Of the nodes, as Python's packages call it: the engine's, which may run in a virtual machine.
machine() {
  case $(docker version --format '{{.Server.Arch}}') in
    amd64) echo x86_64 ;;
    arm64) echo aarch64 ;;
    *) uname -m ;;
  esac
}

# Fetched here and not while the image is built: a container may have neither the network nor the CA certificates.
fetch_wheels() {
  local glibc machine=$2 options=()
  for glibc in 2_35 2_34 2_31 2_28 2_27 2_26 2_24 2_17 2_12 2_5; do
    options+=(--platform "manylinux_${glibc}_$machine")
  done
  rm -rf "$WHEELS"
  "$1" -m pip download --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --python-version 3.11 --implementation cp "${options[@]}" --platform "manylinux2014_$machine" \
    --dest "$WHEELS" -r "$REPO/requirements.lock" -r pip.lock
}

wheels() {
  local python machine wanted
  machine=$(machine)
  wanted=$({ cat "$REPO/requirements.lock" pip.lock images.sh; echo "$machine"; } | digest)
  if [[ -d $WHEELS && -f $STAMPS/wheels && $(<"$STAMPS/wheels") == "$wanted" ]]; then return; fi
  python=$(host_python)
  PHASE_HINT="check that Python packages can be downloaded (pip download pip), then run this again" \
    phase "Fetch the operator's dependencies" fetch_wheels "$python" "$machine"
  echo "$wanted" >"$STAMPS/wheels"
}

sources() { find "$@" -type f -not -path '*/__pycache__/*' | LC_ALL=C sort; }

# $1: name, $2: Dockerfile, $3...: what the build context holds. Sets tag.
image() {
  local name=$1 dockerfile=$2 context=$BUILD/context-$1 path
  shift 2
  tag=$(cd "$REPO" && { echo "$base"; sources "$dockerfile" "$@" | tr '\n' '\0' | xargs -0 "${SHA256[@]}"; } | digest)
  if ! docker image inspect "$LOCAL/$name:$tag" >/dev/null 2>&1; then
    rm -rf "$context"
    mkdir -p "$context"
    for path in "$@"; do
      mkdir -p "$context/$(dirname "${path#build/}")"
      cp -R "$REPO/$path" "$context/${path#build/}"
    done
    find "$context" -name __pycache__ -prune -exec rm -rf {} +
    phase "Build the image $LOCAL/$name" \
      docker build --build-arg "BASE=$base" --tag "$LOCAL/$name:$tag" --file "$REPO/$dockerfile" "$context"
  fi
  docker tag "$LOCAL/$name:$tag" "$LOCAL/$name:dev"
}

[[ ${1:-} == build ]] || need_nodes
alone images

base=python:3.11-slim-bookworm
# libstdc++6, because packages are linked to it; python:slim has it.
./pull.sh "$base" || base=$(./debian-image.sh python python3 libstdc++6)

image demo deploy/demo/Dockerfile deploy/demo/server.py
demo=demo:$tag
wheels
image operator deploy/Dockerfile operator/exposedapp deploy/root_filesystem.py requirements.lock build/wheels
operator=operator:$tag

[[ ${1:-} == build ]] || load_images "$demo" "$operator"

cat >"$BUILD/images.env" <<END
OPERATOR_IMAGE=$LOCAL/$operator
DEMO_IMAGE=$LOCAL/demo:dev
TAGGED_DEMO_IMAGE=$LOCAL/$demo
END
