#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the node image for `kind create cluster --image`, after making sure that the engine has it:
#   1. NODE_IMAGE, when it is set (by digest, see node-image.txt)
#   2. the one in node-image.txt, where it can be pulled
#   3. one built here from go.mod and Debian packages, the way kind makes its own
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

WORK=$BUILD/node-image

# The first line is what kube-proxy and the pod network call too: their image is made from the same packages.
PACKAGES=(iptables nftables iproute2 conntrack kmod curl jq ca-certificates
  systemd dbus ethtool mount procps e2fsprogs runc libseccomp2 catatonit)

program_image() {  # $1: image, $2: program. One static program in /usr/local/bin and nothing else
  tar --create --directory "$NODE_BIN" --transform 's,^,usr/local/bin/,' --owner 0 --group 0 "$2" |
    docker import --change "ENTRYPOINT [\"/usr/local/bin/$2\"]" --change 'ENV PATH=/usr/local/bin' - "$1"
}

network_image() {  # $1: image. kube-proxy and the pod network beside the programs that they call
  local container
  container=$(docker create "$debian")
  tar --create --directory "$NODE_BIN" --owner 0 --group 0 kube-proxy | docker cp - "$container":/usr/local/bin/
  docker cp pod-network.sh "$container":/usr/local/bin/
  docker commit "$container" "$1"
  docker rm "$container"
}

# Every image that kubeadm asks for, by the name it asks for.
control_plane_images() {
  local image
  rm -f "$WORK/images"
  for image in $("$NODE_BIN/kubeadm" config images list --kubernetes-version "$version"); do
    case $image in
      */kube-proxy:*)
        network_image "$image"
        docker tag "$image" localhost/pod-network:dev
        ;;
      */pause:*)
        docker run --rm "$debian" cat /usr/bin/catatonit >"$NODE_BIN/pause"
        chmod +x "$NODE_BIN/pause"
        tar --create --directory "$NODE_BIN" --owner 0 --group 0 pause |
          docker import --change 'ENTRYPOINT ["/pause", "-P"]' - "$image"
        ;;
      *) program_image "$image" "$(basename "${image%:*}")" ;;
    esac
    echo "$image" >>"$WORK/images"
  done
}

# kind's own files for a node travel in its Go module, without their run bits.
node_files() {
  local kind files=$WORK/files
  kind=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kind)
  rm -rf "$files"
  mkdir -p "$files"/{usr/bin,opt/cni/bin,kind/manifests,etc/kubernetes/manifests}
  cp -r --no-preserve=mode "$kind"/images/base/files/{etc,kind,usr} "$files/"
  chmod +x "$files"/usr/local/bin/* "$files"/kind/bin/*
  ln "$NODE_BIN"/{kubeadm,kubelet,kubectl} "$files/usr/bin/"
  ln "$NODE_BIN"/{containerd,containerd-shim-runc-v2,ctr} "$files/usr/local/bin/"
  ln "$NODE_BIN"/{host-local,loopback,ptp,portmap} "$files/opt/cni/bin/"
  cp pod-network.yaml "$files/kind/manifests/default-cni.yaml"
  cp storage-class.yaml "$files/kind/manifests/default-storage.yaml"
  echo -n "$version" >"$files/kind/version"
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE nothing may be made less likely to be killed than containerd.
  sed -i -e "s|sandbox_image = .*|sandbox_image = \"$(grep /pause: "$WORK/images")\"|" \
    -e 's|restrict_oom_score_adj = false|restrict_oom_score_adj = true|' "$files/etc/containerd/config.toml"
}

node_image() {
  local container
  # systemd stops on this signal; on the usual one it starts again.
  container=$(docker run --detach --privileged --stop-signal SIGRTMIN+3 --entrypoint sleep "$debian" infinity)
  # shellcheck disable=SC2064  # this container, now
  trap "docker rm --force --volumes $container" EXIT
  tar --create --directory "$WORK/files" --owner 0 --group 0 . | docker cp - "$container":/
  docker exec --interactive "$container" bash -euo pipefail <node-setup.sh
  # shellcheck disable=SC2046  # one argument each
  docker save $(<"$WORK/images") localhost/pod-network:dev |
    docker exec --interactive "$container" bash -euo pipefail -c '
      containerd >/tmp/containerd.log 2>&1 & containerd=$!
      until ctr version >/dev/null 2>&1; do sleep 0.1; done
      ctr --namespace k8s.io images import --no-unpack -
      kill $containerd
      wait $containerd || true
      rm -f /tmp/containerd.log'
  docker commit --change 'ENV container=docker' \
    --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' "$container" "$image"
}

build() {
  mkdir -p "$WORK"
  control_plane_images
  node_files
  node_image
  # They are inside the node image now.
  # shellcheck disable=SC2046
  docker rmi $(<"$WORK/images") localhost/pod-network:dev >/dev/null
  rm -rf "$WORK"
}

if [[ -n ${NODE_IMAGE:-} ]]; then
  rm -f "$STAMPS/no-registry"  # asked for by name: worth a try now
  ./pull.sh "$NODE_IMAGE" || { echo "NODE_IMAGE=$NODE_IMAGE is not here and cannot be pulled." >&2; exit 1; }
  echo "$NODE_IMAGE"
  exit 0
fi

alone node-image
pinned=$(grep -v '^#' node-image.txt)
if ./pull.sh "$pinned"; then
  echo "$pinned"
  exit 0
fi

./tools.sh node
# The tag says what the image is made from.
version=$(awk '$1 == "k8s.io/kubernetes" {print $2; exit}' go.mod)
sources=(node-image.sh node-setup.sh debian-image.sh pod-network.sh pod-network.yaml storage-class.yaml)
image=$LOCAL/node:$version-$(cat "$STAMPS/tools-node-content" "${sources[@]}" | digest)
if ! docker image inspect "$image" >/dev/null 2>&1; then
  debian=$(./debian-image.sh node "${PACKAGES[@]}")
  phase "Build the node image ($version)" build
fi
echo "$image"
