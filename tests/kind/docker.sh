#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes sure that a Docker engine answers. One that runs already is used as it is. Else, as root on Debian or Ubuntu,
# the distribution's engine is installed and started; it stays after this script. Anywhere else: one line of advice.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

RUNTIME=/usr/local/sbin/runc-without-sys-resource

answers() { limited 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
give_up() { echo "$*" >&2; exit 1; }

install_engine() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends docker.io iptables
}

# A killed engine leaves its pid files. The number may belong to another program by now, and the engine would refuse.
remove_stale_pid() {  # $1: pid file, $2: name of the program
  [[ -f $1 ]] || return 0
  [[ $(cat "/proc/$(<"$1")/comm" 2>/dev/null) == "$2" ]] || rm -f "$1"
}

lacks_sys_resource() {  # bit 24 of what this process may ever have
  local bounding
  bounding=$(awk '$1 == "CapBnd:" {print $2}' /proc/self/status)
  (( (16#$bounding >> 24 & 1) == 0 ))
}

start_engine() {
  if [[ -d /run/systemd/system ]]; then
    systemctl start docker
  else
    local options=()
    if lacks_sys_resource; then
      install -m 0755 runc-without-sys-resource.sh "$RUNTIME"
      options=(--add-runtime "runc-without-sys-resource=$RUNTIME" --default-runtime runc-without-sys-resource)
    fi
    remove_stale_pid /var/run/docker.pid dockerd
    remove_stale_pid /var/run/docker/containerd/containerd.pid containerd
    # A session of its own: neither Ctrl-C nor the end of this shell reaches it. Without our own programs in
    # PATH: containerd would remember a shim that it once found there.
    PATH=${PATH//"$BIN":/} setsid nohup dockerd "${options[@]}" >"$PHASE_LOGS/dockerd.log" 2>&1 </dev/null &
  fi
  for ((i = 0; i < 60; i++)); do
    if answers; then return 0; fi
    echo "waiting for the engine to answer"
    sleep 1
  done
  tail -n 5 "$PHASE_LOGS/dockerd.log"
  return 1
}

if answers; then exit 0; fi
if [[ -n ${DOCKER_HOST:-} ]]; then give_up "No Docker engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST."; fi
if [[ $EUID -ne 0 ]]; then
  give_up "No Docker engine answers: install Docker (https://docs.docker.com/get-started/get-docker/), start it, and let your user use it (on Linux: group docker)."
fi
if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! command -v iptables >/dev/null; then
  command -v apt-get >/dev/null ||
    give_up "No Docker engine answers: install Docker (https://docs.docker.com/engine/install/) and start it."
  PHASE_HINT="install Docker yourself (https://docs.docker.com/engine/install/), then run this again" \
    phase "Install the Docker engine" install_engine
  if answers; then exit 0; fi
fi
PHASE_HINT="look at $PHASE_LOGS/dockerd.log; another engine that works is used as it is" \
  phase "Start the Docker engine" start_engine
