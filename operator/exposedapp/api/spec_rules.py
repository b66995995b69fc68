# SPDX-License-Identifier: Apache-2.0
"""CEL rules of a spec that concern several fields at once, as pairs of (rule, message).

The command line checks files by the same rules in Python (cli/validation/cel_rules.py). Pure.
"""

SPEC_RULES: tuple[tuple[str, str], ...] = (
    (
        "[has(self.image), has(self.selector), has(self.service.externalName)]"
        ".filter(given, given).size() == 1",
        "write exactly one of image (run it), selector (expose pods that already run) and "
        "service.externalName (a DNS name elsewhere)",
    ),
    (
        "has(self.service.externalName) == (self.service.type == 'ExternalName')",
        "service.externalName and service.type ExternalName go together: write both or neither",
    ),
    (
        "has(self.ports) || self.service.type == 'ExternalName'",
        "ports is missing: write at least one, such as [{port: 80}]",
    ),
    (
        "self.service.type in ['NodePort', 'LoadBalancer'] || !has(self.ports) "
        "|| self.ports.all(p, !has(p.nodePort))",
        "ports[].nodePort needs service.type NodePort or LoadBalancer: remove it, or "
        "change the type",
    ),
    (
        "self.service.type in ['NodePort', 'LoadBalancer'] "
        "|| has(self.service.externalIPs) || !has(self.service.externalTrafficPolicy)",
        "service.externalTrafficPolicy needs service.type NodePort or LoadBalancer, or "
        "service.externalIPs: remove it, or change the type",
    ),
    (
        "self.service.type == 'LoadBalancer' || ![has(self.service.loadBalancerClass), "
        "has(self.service.loadBalancerSourceRanges), "
        "has(self.service.allocateLoadBalancerNodePorts)].exists(given, given)",
        "service.loadBalancerClass, loadBalancerSourceRanges and allocateLoadBalancerNodePorts "
        "need service.type LoadBalancer: remove them, or change the type",
    ),
    (
        "!has(self.service.healthCheckNodePort) || (self.service.type == 'LoadBalancer' "
        "&& has(self.service.externalTrafficPolicy) "
        "&& self.service.externalTrafficPolicy == 'Local')",
        "service.healthCheckNodePort needs service.type LoadBalancer and "
        "service.externalTrafficPolicy Local: write both, or remove it",
    ),
    (
        "!has(self.service.sessionAffinityConfig) || (has(self.service.sessionAffinity) "
        "&& self.service.sessionAffinity == 'ClientIP')",
        "service.sessionAffinityConfig needs service.sessionAffinity ClientIP: write that, or "
        "remove it",
    ),
    (
        "self.service.type != 'ExternalName' || ![has(self.service.internalTrafficPolicy), "
        "has(self.service.sessionAffinity), has(self.service.ipFamilyPolicy), "
        "has(self.service.ipFamilies), has(self.service.externalIPs), "
        "has(self.service.trafficDistribution), has(self.service.publishNotReadyAddresses)]"
        ".exists(given, given)",
        "with service.type ExternalName no traffic passes the cluster: remove "
        "service.internalTrafficPolicy, sessionAffinity, ipFamilyPolicy, ipFamilies, externalIPs, "
        "trafficDistribution and publishNotReadyAddresses",
    ),
    (
        "!has(self.service.ipFamilies) || self.service.ipFamilies.size() < 2 "
        "|| (has(self.service.ipFamilyPolicy) "
        "&& self.service.ipFamilyPolicy != 'SingleStack')",
        "two service.ipFamilies need service.ipFamilyPolicy: write PreferDualStack or "
        "RequireDualStack",
    ),
    (
        "!has(self.readinessProbe) || !has(self.readinessProbe.terminationGracePeriodSeconds)",
        "a readinessProbe ends no container: remove readinessProbe.terminationGracePeriodSeconds",
    ),
    (
        "!has(self.livenessProbe) || !has(self.livenessProbe.successThreshold) "
        "|| self.livenessProbe.successThreshold == 1",
        "livenessProbe.successThreshold can be 1 only: remove it",
    ),
    (
        "has(self.image) || ![has(self.command), has(self.args), has(self.env), "
        "has(self.envFrom), has(self.resources), has(self.readinessProbe), "
        "has(self.livenessProbe), has(self.podTemplate), has(self.deployment)]"
        ".exists(given, given)",
        "command, args, env, envFrom, resources, readinessProbe, livenessProbe, podTemplate and "
        "deployment are for the pods that image runs: remove them, or write image",
    ),
)

_SAME_PROTOCOL = (
    "(has(p.protocol) && has(q.protocol) ? q.protocol == p.protocol "
    ": [p, q].all(port, !has(port.protocol) || port.protocol == 'TCP'))"
)
"""Of two ports p and q: whether both have the same protocol, TCP where there is none."""

PORTS_RULES: tuple[tuple[str, str], ...] = (
    (
        "self.size() <= 1 || self.all(p, has(p.name))",
        "every port needs a name when there is more than one: give each of ports[] a name",
    ),
    (
        "self.all(p, !has(p.name) || self.exists_one(q, has(q.name) && q.name == p.name))",
        "two of ports[] have the same name: give each a name of its own",
    ),
    (
        f"self.all(p, self.exists_one(q, q.port == p.port && {_SAME_PROTOCOL}))",
        "two of ports[] have the same port and protocol: give each a port or a protocol of its own",
    ),
    (
        "self.all(p, !has(p.nodePort) || self.all(q, !has(q.nodePort) "
        "|| q.nodePort != p.nodePort || q.port == p.port))",
        "two of ports[] have the same nodePort for different ports: give each a "
        "nodePort of its own; TCP and UDP can share one when they share the port",
    ),
    (
        "self.all(p, !has(p.nodePort) || self.exists_one(q, has(q.nodePort) "
        f"&& q.nodePort == p.nodePort && {_SAME_PROTOCOL}))",
        "two of ports[] have the same nodePort and protocol: give each a nodePort of its own",
    ),
)
"""Rules of spec.ports."""
