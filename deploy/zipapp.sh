#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the command line as one file per platform, which Python 3.11 to 3.14 run without an installation.
#   deploy/zipapp.sh [PLATFORM...]   linux-amd64, linux-arm64, darwin-amd64, darwin-arm64; without one: this machine's
# Writes build/dist/exposedapp-PLATFORM.pyz. PYTHON names the Python that builds them; default: build/venv's.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-build/venv/bin/python}
versions=(3.11 3.12 3.13 3.14)
this_machine=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
[ $# -gt 0 ] || set -- "$(uname -s | tr '[:upper:]' '[:lower:]')-$this_machine"

# pip's options for a platform. It takes older systems' wheels for a macOS by itself, and for manylinux2014.
platform_options() {
  local machine glibc
  case $1 in
    linux-amd64) machine=x86_64 ;;
    linux-arm64) machine=aarch64 ;;
    darwin-amd64) echo --platform macosx_11_0_x86_64; return ;;
    darwin-arm64) echo --platform macosx_11_0_arm64; return ;;
    *) echo "$0: no platform $1; there are linux-amd64, linux-arm64, darwin-amd64, darwin-arm64" >&2; return 2 ;;
  esac
  for glibc in 2_28 2_27 2_26 2_24; do echo "--platform manylinux_${glibc}_$machine"; done
  echo "--platform manylinux2014_$machine"
}

mkdir -p build/dist
for name; do
  options=$(platform_options "$name")
  content=build/zipapp/$name
  if ! cmp -s requirements-cli.lock "$content/lock"; then
    rm -rf "$content"
    mkdir -p "$content/wheels"
    for version in "${versions[@]}"; do
      # shellcheck disable=SC2086 # words
      "$python" -m pip download --disable-pip-version-check --quiet --no-deps --require-hashes --only-binary :all: \
        --implementation cp --python-version "$version" $options --dest "$content/wheels" -r requirements-cli.lock
    done
    cp requirements-cli.lock "$content/lock"
  fi
  "$python" deploy/single_file/build.py "$content" "build/dist/exposedapp-$name.pyz" "${versions[@]}"
done
