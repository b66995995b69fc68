#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What .github/workflows/release.yml does with the files of this repository; see docs/releases.md.
#   deploy/release.sh names TAG SOURCE              the version and the names of deploy/names.env as NAME=VALUE. Fails when the
#                                                   tag is not this version, when the version is not in the changelog, and when
#                                                   SOURCE is not the repository that deploy/names.env names
#   deploy/release.sh package IMAGE DIGEST FOLDER   the chart and the plain manifests, which name that image
#   deploy/release.sh notes                         the changelog of this version
# HELM names the helm to use; default: build/bin/helm.
set -eu
cd "$(dirname "$0")/.."

usage() { sed -n -e 1d -e '/^#/!q' -e '/SPDX/d' -e 's/^# *//p' "$0" >&2; exit 2; }
fail() { echo "$0: $*" >&2; exit 1; }

version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' operator/exposedapp/version.py)

notes() {
  awk -v heading="## [$version]" 'index($0, "## [") == 1 {shown = index($0, heading) == 1; next} shown' CHANGELOG.md
}

names() {
  REPOSITORY='' IMAGE='' DEMO_IMAGE='' CHARTS='' PACKAGE=''
  # shellcheck source=deploy/names.env
  . deploy/names.env
  [ "$1" = "v$version" ] || fail "the tag $1 is not v$version, the version in operator/exposedapp/version.py"
  [ -n "$(notes)" ] || fail "CHANGELOG.md has nothing under [$version]"
  [ -n "$REPOSITORY$IMAGE$DEMO_IMAGE$CHARTS" ] || fail "nothing is published: deploy/names.env names no place"
  [ "$REPOSITORY" = "$2" ] || fail "releases are made in $REPOSITORY (deploy/names.env), not in $2"
  for name in "$IMAGE" "$DEMO_IMAGE" "$CHARTS"; do
    [ -n "$name" ] || fail "deploy/names.env names the repository; IMAGE, DEMO_IMAGE and CHARTS are needed as well"
  done
  echo "version=$version"
  echo "image=$IMAGE"
  echo "demo-image=$DEMO_IMAGE"
  echo "charts=$CHARTS"
  echo "package=$PACKAGE"
}

# The source tree names no image, so that it cannot be mistaken for a release.
package() {
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  cp -R deploy/chart/exposedapp "$temporary/"
  for values in values.yaml files/values.yaml; do
    sed "s,^  repository: \"\"\$,  repository: $1," "deploy/chart/exposedapp/$values" >"$temporary/exposedapp/$values"
  done
  mkdir -p "$3"
  "${HELM:-build/bin/helm}" package "$temporary/exposedapp" --destination "$3"
  cp deploy/manifests/crd.yaml deploy/manifests/policies.yaml "$3/"
  sed -e "s,image: \"\",image: \"$1@$2\"," -e '/No image is published/,/^#   sed /d' deploy/manifests/operator.yaml >"$3/operator.yaml"
}

case "${1:-} $#" in
  "names 3" | "package 4" | "notes 1") "$@" ;;
  *) usage ;;
esac
