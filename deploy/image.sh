#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds an image with Docker alone, without a cluster; `make image` and `make push` run it.
#   deploy/image.sh [--push] operator|demo REGISTRY/NAME:TAG
# PLATFORMS=linux/amd64,linux/arm64   several in one image, with --push: needs buildx and a builder that runs each of them.
#                                     The image gets attestations: its bill of materials (SBOM), and how it was built
# BASE=REGISTRY/python:3.11-slim      a base image from elsewhere than Docker Hub
# Where Docker Hub cannot be reached, tests/kind/images.sh builds the image on a base of Debian packages.
set -eu
cd "$(dirname "$0")/.."

usage() { sed -n -e 1d -e '/^#/!q' -e '/SPDX/d' -e 's/^# *//p' "$0" >&2; exit 2; }

push=
[ "${1:-}" != --push ] || { push=yes; shift; }
if [ $# != 2 ] || [ -z "$2" ]; then usage; fi
image=$2
case $1 in
  operator) dockerfile=deploy/Dockerfile built=OPERATOR_IMAGE ;;
  demo) dockerfile=deploy/demo/Dockerfile built=DEMO_IMAGE ;;
  *) usage ;;
esac
base=${BASE:-python:3.11-slim-bookworm}

# The arguments of `docker build` from here on: what names the image, and says what it is made from.
set -- --tag "$image" \
  --label "org.opencontainers.image.version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' operator/exposedapp/version.py)" \
  --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)"
source=$(sed -n 's/^REPOSITORY=//p' deploy/names.env)
[ -z "$source" ] || set -- "$@" --label "org.opencontainers.image.source=$source"

if [ -n "${PLATFORMS:-}" ]; then
  [ -n "$push" ] || { echo "$0: an image for several platforms is built and pushed in one step: make push" >&2; exit 2; }
  exec docker buildx build --platform "$PLATFORMS" --sbom=true --provenance=mode=max \
    --build-arg "BASE=$base" --file "$dockerfile" "$@" --push .
fi

if docker image inspect "$base" >/dev/null 2>&1 || docker pull "$base"; then
  docker build --build-arg "BASE=$base" --file "$dockerfile" "$@" .
elif [ -n "${BASE:-}" ]; then
  exit 1
else
  tests/kind/images.sh build
  echo "FROM $(sed -n "s/^$built=//p" build/images.env)" | docker build "$@" -
fi
[ -z "$push" ] || docker push "$image"
