# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Runs inside the node image while it is built: what kind's images/base/Dockerfile does after installing packages.

# Only what a node needs starts with it.
rm -f /lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* /etc/systemd/system/*.wants/*
rm -f /lib/systemd/system/sockets.target.wants/*{udev,initctl}* \
  /lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
echo 'ReadKMsg=no' >>/etc/systemd/journald.conf
ln -sf /usr/lib/systemd/systemd /sbin/init
systemctl enable kubelet.service containerd.service undo-mount-hacks.service
# It would register things in the host's kernel.
systemctl mask systemd-binfmt.service

# Every pod sees the node's own (faked) machine identity.
ctr oci spec |
  jq 'del(.process.rlimits) | .hooks.createContainer += [{path: "/kind/bin/mount-product-files.sh"}]' \
    >/etc/containerd/cri-base.json
