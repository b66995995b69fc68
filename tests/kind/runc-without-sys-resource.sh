#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# runc for a machine whose own capabilities lack CAP_SYS_RESOURCE (a sandbox, some CI runners). Engines ask for every
# capability they know of for a privileged container, runc cannot grant one that it does not have, and gives up.
# So it is taken out of the JSON that runc is told to read: DIR/config.json (create), FILE (exec).
# docker.sh installs this as a runtime, only where it is needed.
previous=
for argument in "$@"; do
  case $argument in
    --bundle=*) file=${argument#*=}/config.json ;;
    --process=*) file=${argument#*=} ;;
    *)
      case $previous in
        --bundle | -b) file=$argument/config.json ;;
        --process | -p) file=$argument ;;
        *) file= ;;
      esac
      ;;
  esac
  [ -f "$file" ] && sed -i -e 's/"CAP_SYS_RESOURCE",//g' -e 's/,"CAP_SYS_RESOURCE"//g' "$file"
  previous=$argument
done
exec runc "$@"
