#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# debian-image.sh NAME PACKAGE...: builds a small Debian image with these packages by mmdebstrap, for machines that
# cannot pull one. Prints its reference; the tag is a hash of its inputs, so an image that exists is not built again.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

RELEASE=bookworm  # its systemd (252) still runs on cgroup v1, and its Python is the 3.11 of the project

name=$1
shift
tag=$(echo "$RELEASE $* $(<"${BASH_SOURCE[0]##*/}")" | digest)
image=$LOCAL/debian-$name:$tag

make_image() {
  # The hook makes the merged /usr beforehand; the package that would do it later brings all of Perl.
  mmdebstrap --variant=essential --include="$(IFS=,; echo "usr-is-merged,$*")" \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/i18n/*' \
    --dpkgopt=force-unsafe-io \
    "$RELEASE" - | docker import --change 'CMD ["bash"]' - "$image"
  # The release is pinned, its packages are not: the log keeps their versions (docs/inputs.md).
  docker run --rm "$image" dpkg-query -W
}

install_mmdebstrap() {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap
}

alone "debian-$name"
if ! docker image inspect "$image" >/dev/null 2>&1; then
  if ! command -v mmdebstrap >/dev/null; then
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
      echo "No base image can be pulled, and none can be made here without mmdebstrap: install it (Debian, Ubuntu)." >&2
      exit 1
    fi
    phase "Install mmdebstrap" install_mmdebstrap
  fi
  PHASE_HINT="check that Debian packages can be downloaded (apt-get update), then run this again" \
    phase "Make a Debian image ($name)" make_image "$@"
fi
echo "$image"
