# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Progress for steps that take more than a moment. Source this file, then:
#
#   phase "Build the node image" command args...
#   PHASE_HINT="free some disk space" phase "Build the node image" command args...
#
# The command (a program or a shell function) runs with its output in build/logs/build-the-node-image.log.
# A terminal shows one line that is rewritten: name, seconds, last line of the log. Anything else (CI) gets a line at
# the start and the end, and one every 30 s between. On failure: the end of the log, its path, the hint; the exit code
# is the command's. Progress goes to stderr, so that a script's stdout stays free for its result.
# Bash forgets `set -e` inside a function that is called in a condition: write `phase NAME function` as a plain line,
# not `if phase ...` and not `phase ... || ...`. With a program either works.

PHASE_LOGS=${PHASE_LOGS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/logs}

_phase_last_line() {  # what the command is busy with, in plain characters
  tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | sed -e $'s/\033\\[[0-9;?]*[A-Za-z]//g' | tr -cd '\n\t[:print:]' \
    | grep -v '^[[:space:]]*$' | tail -n 1 | tr '\t' ' ' || true
}

_phase_stop() {  # $1: process group, $2: exit code. A background job does not get the terminal's Ctrl-C by itself
  trap - INT TERM
  kill -TERM -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  echo >&2
  exit "$2"
}

phase() {
  # Names of its own, because a function that it runs sees them instead of its script's.
  local _name=$1 _hint=${PHASE_HINT:-} _log _pid _rc=0 _start=$SECONDS _shown=0 _told=0 _elapsed _line _width
  shift
  _log=$PHASE_LOGS/$(tr '[:upper:]' '[:lower:]' <<<"$_name" | tr -cs '[:alnum:]' '-' | sed 's/^-//; s/-$//').log
  mkdir -p "$PHASE_LOGS"
  [[ -t 2 ]] || echo "-- $_name" >&2

  # Job control gives the command a process group of its own, so that Ctrl-C can end all of it.
  set -m
  (unset PHASE_HINT; set +m -e; "$@") >"$_log" 2>&1 </dev/null &
  _pid=$!
  set +m
  trap '_phase_stop "$_pid" 130' INT
  trap '_phase_stop "$_pid" 143' TERM

  while kill -0 "$_pid" 2>/dev/null; do
    _elapsed=$((SECONDS - _start))
    if [[ -t 2 ]] && ((_elapsed != _shown)); then
      _shown=$_elapsed
      _width=$(tput cols 2>/dev/null || echo 80)
      _line="$_name  ${_elapsed} s  $(_phase_last_line "$_log")"
      printf '\r\033[K%s' "${_line:0:_width-1}" >&2
    elif [[ ! -t 2 ]] && ((_elapsed >= _told + 30)); then
      _told=$_elapsed
      _line=$(_phase_last_line "$_log")
      echo "   $_name: ${_elapsed} s: ${_line:0:160}" >&2
    fi
    sleep 0.1
  done
  wait "$_pid" || _rc=$?
  trap - INT TERM
  _elapsed=$((SECONDS - _start))

  [[ -t 2 ]] && printf '\r\033[K' >&2
  if ((_rc == 0)); then
    echo "ok $_name (${_elapsed} s)" >&2
    return 0
  fi
  {
    echo "FAILED $_name (exit code $_rc after ${_elapsed} s). The end of its output:"
    tail -n 15 "$_log" | sed 's/^/   | /'
    echo "   All of it: $_log"
    [[ -z $_hint ]] || echo "   Try: $_hint"
  } >&2
  return "$_rc"
}
