#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The pod network of a node image that is built here: runs on every node, in its network, and does what kind's own
# kindnetd does in kindest/node. Three things, looked at again every few seconds because nodes come and go:
# the node's CNI configuration, a route to every other node's pods, masquerade for what leaves the pod range.
# Works on whatever IP families the cluster gives its nodes.
set -uo pipefail

API=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT
CREDENTIALS=/var/run/secrets/kubernetes.io/serviceaccount
CONFLIST=/etc/cni/net.d/10-pod-network.conflist
PROTOCOL=201  # marks our routes, so that those of nodes that are gone can be told from the system's

# One line per node and family: name, pod CIDR, address in the same family. Fake nodes (kwok) have no pods to route to.
list_nodes() {
  curl --silent --show-error --fail --max-time 10 --cacert "$CREDENTIALS/ca.crt" \
    --header "Authorization: Bearer $(<"$CREDENTIALS/token")" \
    "$API/api/v1/nodes?resourceVersion=0&labelSelector=type!%3Dkwok" |
    jq -r '.items[] | .metadata.name as $name
      | [.status.addresses[]? | select(.type == "InternalIP").address] as $addresses
      | .spec.podCIDRs[]? as $cidr
      | first($addresses[] | select(contains(":") == ($cidr | contains(":")))) as $address
      | "\($name) \($cidr) \($address)"' | sort
}

own() { awk -v me="$NODE_NAME" '$1 == me' <<<"$nodes"; }
others() { awk -v me="$NODE_NAME" '$1 != me' <<<"$nodes"; }
family() { awk -v ip6="$([[ $1 == ip6 ]] && echo 1 || echo 0)" '($2 ~ ":") == ip6'; }
cidrs() { awk '{print $2}' | paste -sd ,; }

conflist() {
  own | awk '{print $2}' | jq -nR --argjson mtu "$(cat /sys/class/net/eth0/mtu || echo 1500)" '[inputs] as $cidrs | {
    cniVersion: "1.0.0", name: "pod-network", plugins: [
      {type: "ptp", ipMasq: false, mtu: $mtu, ipam: {
        # In memory: after a restart of the node no address is still in use.
        type: "host-local", dataDir: "/run/cni-ipam-state",
        ranges: [$cidrs[] | [{subnet: .}]],
        routes: [$cidrs[] | {dst: (if contains(":") then "::/0" else "0.0.0.0/0" end)}]}},
      {type: "portmap", capabilities: {portMappings: true}}]}'
}

masquerade() {  # for nft, which makes one transaction of it
  local protocol from
  echo 'table inet pod-network
    delete table inet pod-network
    table inet pod-network {
      chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;'
  for protocol in ip ip6; do
    from=$(own | family "$protocol" | cidrs)
    [[ -z $from ]] || echo "$protocol saddr { $from } $protocol daddr != { $(family "$protocol" <<<"$nodes" | cidrs) }" \
      "fib daddr type != local masquerade"
  done
  echo '  }
    }'
}

routes() {
  local protocol option have wanted
  for protocol in ip ip6; do
    option=$([[ $protocol == ip6 ]] && echo -6 || echo -4)
    have=$(ip "$option" route show proto "$PROTOCOL" | awk '{print $1, "via", $3}' | sort)
    wanted=$(others | family "$protocol" | awk '{print $2, "via", $3}' | sort)
    {
      comm -23 <(echo "$have") <(echo "$wanted") | sed -n 's/^./route del &/p'
      comm -13 <(echo "$have") <(echo "$wanted") | sed -n "s/.$/& proto $PROTOCOL/; s/^./route replace &/p"
    } | ip "$option" -force -batch -
  done
}

applied=
while true; do
  if nodes=$(list_nodes) && [[ -n $(own) ]]; then
    routes
    if [[ $nodes != "$applied" ]]; then
      if masquerade | nft -f - && conflist >"$CONFLIST.new" && mv "$CONFLIST.new" "$CONFLIST"; then applied=$nodes; fi
      echo "$(date -u +%FT%TZ) nodes: $(awk '{print $1}' <<<"$nodes" | uniq | paste -sd ' ')"
    fi
    sleep 5
  else
    sleep 1
  fi
done
