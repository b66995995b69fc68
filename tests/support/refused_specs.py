# SPDX-License-Identifier: Apache-2.0
"""Specs that the API server refuses or accepts, one for each thing that can be wrong.

For the tests on a cluster (e2e/test_wrong_input.py), on API servers of other versions (matrix/) and
of the command line.
"""

from exposedapp.api.meta import Json

REFUSED_SPECS: dict[str, tuple[Json, str]] = {
    "unknown field": ({"replica": 2}, 'unknown field "spec.replica"'),
    "unknown field in a port": (
        {"ports": [{"port": 80, "nodeport": 30080}]},
        'unknown field "spec.ports[0].nodeport"',
    ),
    "port over 65535": ({"ports": [{"port": 70000}]}, "spec.ports[0].port"),
    "nodePort over 65535": ({"ports": [{"port": 80, "nodePort": 70000}]}, "spec.ports[0].nodePort"),
    "targetPort over 65535": (
        {"ports": [{"port": 80, "targetPort": 70000}]},
        "must be a number from 1 to 65535",
    ),
    "targetPort that is no name": (
        {"ports": [{"port": 80, "targetPort": "Not a name"}]},
        "must be a number from 1 to 65535",
    ),
    "two ports with one name": (
        {"ports": [{"name": "web", "port": 80}, {"name": "web", "port": 81}]},
        "two of ports[] have the same name",
    ),
    "two ports, one without a name": (
        {"ports": [{"name": "web", "port": 80}, {"port": 81}]},
        "give each of ports[] a name",
    ),
    "one port twice": (
        {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
        "two of ports[] have the same port and protocol",
    ),
    "one port twice, once with the default protocol": (
        {"ports": [{"name": "a", "port": 80, "protocol": "TCP"}, {"name": "b", "port": 80}]},
        "two of ports[] have the same port and protocol",
    ),
    "one port twice, of another protocol": (
        {
            "ports": [
                {"name": "a", "port": 80, "protocol": "UDP"},
                {"name": "b", "port": 80, "protocol": "UDP"},
            ]
        },
        "two of ports[] have the same port and protocol",
    ),
    "one nodePort twice": (
        {
            "ports": [
                {"name": "a", "port": 80, "nodePort": 30080},
                {"name": "b", "port": 81, "nodePort": 30080},
            ]
        },
        "two of ports[] have the same nodePort and protocol",
    ),
    "no ports": ({"ports": []}, "spec.ports"),
    "ports left out": ({"ports": None}, "ports is missing: write at least one"),
    "neither image nor selector": ({"image": None}, "write exactly one of image"),
    "image and selector": ({"selector": {"app": "db"}}, "write exactly one of image"),
    "empty selector": ({"image": None, "selector": {}}, "spec.selector"),
    "selector with a key that is no label": (
        {"image": None, "selector": {"not a key": "x"}},
        "selector has a key that no label can have",
    ),
    "selector with a value that is no label": (
        {"image": None, "selector": {"app": "not a value"}},
        "spec.selector.app",
    ),
    "selector with a container's field": (
        {"image": None, "selector": {"app": "db"}, "args": ["x"]},
        "are for the pods that image runs: remove them, or write image",
    ),
    "selector with a podTemplate": (
        {"image": None, "selector": {"app": "db"}, "podTemplate": {"spec": {}}},
        "are for the pods that image runs: remove them, or write image",
    ),
    "externalName with image": (
        {"service": {"type": "ExternalName", "externalName": "example.com"}},
        "write exactly one of image",
    ),
    "externalName without its type": (
        {"image": None, "service": {"externalName": "example.com"}},
        "service.externalName and service.type ExternalName go together",
    ),
    "ExternalName without externalName": (
        {"service": {"type": "ExternalName"}},
        "service.externalName and service.type ExternalName go together",
    ),
    "externalName that is no DNS name": (
        {"image": None, "service": {"type": "ExternalName", "externalName": "http://example.com"}},
        "spec.service.externalName",
    ),
    "ExternalName with a traffic policy": (
        {
            "image": None,
            "service": {
                "type": "ExternalName",
                "externalName": "example.com",
                "internalTrafficPolicy": "Local",
            },
        },
        "with service.type ExternalName no traffic passes the cluster",
    ),
    "nodePort with ClusterIP": (
        {"ports": [{"port": 80, "nodePort": 30033}], "service": {"type": "ClusterIP"}},
        "ports[].nodePort needs service.type NodePort or LoadBalancer",
    ),
    "externalTrafficPolicy with ClusterIP": (
        {"service": {"type": "ClusterIP", "externalTrafficPolicy": "Local"}},
        "service.externalTrafficPolicy needs service.type NodePort or LoadBalancer",
    ),
    "loadBalancerClass without a load balancer": (
        {"service": {"loadBalancerClass": "example.com/lb"}},
        "loadBalancerSourceRanges and allocateLoadBalancerNodePorts need service.type LoadBalancer",
    ),
    "allocateLoadBalancerNodePorts without a load balancer": (
        {"service": {"allocateLoadBalancerNodePorts": True}},
        "loadBalancerSourceRanges and allocateLoadBalancerNodePorts need service.type LoadBalancer",
    ),
    "loadBalancerClass that is no name": (
        {"service": {"type": "LoadBalancer", "loadBalancerClass": "not a class"}},
        "spec.service.loadBalancerClass",
    ),
    "source range without its length": (
        {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0"]}},
        "spec.service.loadBalancerSourceRanges[0]",
    ),
    "healthCheckNodePort with the policy Cluster": (
        {"service": {"type": "LoadBalancer", "healthCheckNodePort": 30035}},
        "service.healthCheckNodePort needs service.type LoadBalancer and",
    ),
    "session affinity's settings without it": (
        {"service": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}},
        "service.sessionAffinityConfig needs service.sessionAffinity ClientIP",
    ),
    "session affinity for longer than a day": (
        {
            "service": {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}},
            }
        },
        "spec.service.sessionAffinityConfig.clientIP.timeoutSeconds",
    ),
    "unknown traffic distribution": (
        {"service": {"trafficDistribution": "PreferFar"}},
        "spec.service.trafficDistribution",
    ),
    "external IP that is a name": (
        {"service": {"externalIPs": ["example.com"]}},
        "spec.service.externalIPs[0]",
    ),
    "ExternalName with an external IP": (
        {
            "image": None,
            "service": {
                "type": "ExternalName",
                "externalName": "example.com",
                "externalIPs": ["192.0.2.1"],
            },
        },
        "with service.type ExternalName no traffic passes the cluster",
    ),
    "selector with a Deployment's field": (
        {"image": None, "selector": {"app": "db"}, "deployment": {"minReadySeconds": 5}},
        "are for the pods that image runs: remove them, or write image",
    ),
    "unknown strategy": (
        {"deployment": {"strategy": {"type": "Blue"}}},
        "spec.deployment.strategy.type",
    ),
    "Recreate with settings of RollingUpdate": (
        {"deployment": {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}},
        "rollingUpdate is for type RollingUpdate: remove it, or change the type",
    ),
    "a rollout that replaces nothing": (
        {"deployment": {"strategy": {"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": 0}}}},
        "maxUnavailable and maxSurge cannot both be 0",
    ),
    "a number of pods that is none": (
        {"deployment": {"strategy": {"rollingUpdate": {"maxSurge": "half"}}}},
        "spec.deployment.strategy.rollingUpdate.maxSurge",
    ),
    "a negative number of pods": (
        {"deployment": {"strategy": {"rollingUpdate": {"maxSurge": -1}}}},
        "spec.deployment.strategy.rollingUpdate.maxSurge",
    ),
    "a progress deadline that always passes": (
        {"deployment": {"minReadySeconds": 600}},
        "deployment.progressDeadlineSeconds (default 600) must be greater than minReadySeconds",
    ),
    "an annotation of the Deployment's controller": (
        {"deployment": {"annotations": {"deployment.kubernetes.io/revision": "3"}}},
        "annotations must not have deployment.kubernetes.io/revision",
    ),
    "label of the Deployment that is none": (
        {"deployment": {"labels": {"a/b/c": "d"}}},
        "labels has a key that no label can have",
    ),
    "label of the Deployment with a value that is none": (
        {"deployment": {"labels": {"a": "not a value"}}},
        "spec.deployment.labels.a",
    ),
    "an IP family twice": (
        {"service": {"ipFamilies": ["IPv4", "IPv4"]}},
        "ipFamilies names a family twice",
    ),
    "unknown session affinity": (
        {"service": {"sessionAffinity": "Cookie"}},
        "spec.service.sessionAffinity",
    ),
    "label of the Service that is none": (
        {"service": {"labels": {"a/b/c": "d"}}},
        "labels has a key that no label can have",
    ),
    "scheme that is none": ({"ports": [{"port": 80, "scheme": "not a scheme"}]}, ".scheme"),
    "path without its slash": ({"ports": [{"port": 80, "path": "login"}]}, "spec.ports[0].path"),
    "annotation of the Service that is none": (
        {"service": {"annotations": {"not ok": "x"}}},
        "annotations has a key that no label can have",
    ),
    "two IP families on a single stack": (
        {"service": {"ipFamilies": ["IPv4", "IPv6"]}},
        "two service.ipFamilies need service.ipFamilyPolicy",
    ),
    "one nodePort for two ports": (
        {
            "ports": [
                {"name": "a", "port": 80, "nodePort": 30034},
                {"name": "b", "port": 81, "nodePort": 30034, "protocol": "UDP"},
            ]
        },
        "two of ports[] have the same nodePort for different ports",
    ),
    "readiness probe that ends containers": (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": 5}},
        "a readinessProbe ends no container",
    ),
    "liveness probe that must succeed twice": (
        {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
        "livenessProbe.successThreshold can be 1 only",
    ),
    "probe of a port that none can be": (
        {"readinessProbe": {"tcpSocket": {"port": 70000}}},
        "must be a number from 1 to 65535",
    ),
    "probe with a number too large": (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 2**31}},
        "spec.readinessProbe.periodSeconds",
    ),
    "probe without a command": (
        {"readinessProbe": {"exec": {"command": []}}},
        "spec.readinessProbe.exec.command",
    ),
    "ConfigMap name that is none": (
        {"envFrom": [{"configMapRef": {"name": "A B"}}]},
        "spec.envFrom[0].configMapRef.name",
    ),
    "env name that is none": ({"env": [{"name": "a=b", "value": "c"}]}, "spec.env[0].name"),
    "negative quantity": ({"resources": {"limits": {"cpu": "-1"}}}, "spec.resources.limits.cpu"),
    "an address type twice": (
        {"nodes": {"addressTypes": ["InternalIP", "InternalIP"]}},
        "addressTypes names a type twice",
    ),
    "a host with a port": ({"nodes": {"host": "a.example:80"}}, "spec.nodes.host"),
    "no nodes at all": ({"nodes": {"limit": 0}}, "spec.nodes.limit"),
    "probing without a pause": ({"probe": {"periodSeconds": 0}}, "spec.probe.periodSeconds"),
    "unknown part of the podTemplate": (
        {"podTemplate": {"template": {}}},
        'unknown field "spec.podTemplate.template"',
    ),
    "empty image": ({"image": ""}, "spec.image"),
    "negative replicas": ({"replicas": -1}, "spec.replicas"),
    "unknown protocol": ({"ports": [{"port": 80, "protocol": "HTTP"}]}, "spec.ports[0].protocol"),
    "unknown service type": ({"service": {"type": "Nodeport"}}, "spec.service.type"),
    "quantity that is none": (
        {"resources": {"limits": {"memory": "1 GB"}}},
        "spec.resources.limits.memory",
    ),
    "env with a value and a source": (
        {
            "env": [
                {
                    "name": "A",
                    "value": "x",
                    "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
                }
            ]
        },
        "a value or a valueFrom, not both",
    ),
    "probe without a way to ask": (
        {"readinessProbe": {"periodSeconds": 1}},
        "a probe needs exactly one of httpGet, tcpSocket, grpc and exec",
    ),
    "probe with two ways to ask": (
        {"livenessProbe": {"tcpSocket": {"port": 1}, "exec": {"command": ["true"]}}},
        "a probe needs exactly one of httpGet, tcpSocket, grpc and exec",
    ),
    "unknown field in a probe": (
        {"readinessProbe": {"httpGet": {"port": 8080, "uri": "/"}}},
        'unknown field "spec.readinessProbe.httpGet.uri"',
    ),
    "envFrom of nothing": (
        {"envFrom": [{"prefix": "A_"}]},
        "an item of envFrom needs exactly one of configMapRef and secretRef",
    ),
    "env without a source in valueFrom": (
        {"env": [{"name": "A", "valueFrom": {}}]},
        "valueFrom needs exactly one of",
    ),
    "env twice": (
        {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        "spec.env[1]: Duplicate value",
    ),
}
"""By what is wrong: fields on top of a valid spec, None to remove one, and words of the refusal."""

REFUSED_NAMES = ("1web", "web.example", "w" * 64)
"""Names of an app that no Service can have."""

CONTAINER_PORTS: tuple[int | str, ...] = (1, 65535, "a", "0a", "a0", "0-a-1", "z-9", "a" * 15)

REFUSED_CONTAINER_PORTS: tuple[int | str, ...] = (
    *(0, -1, 65536, "", "-", "-a", "a-", "a--b", "0", "8080", "1-2"),
    *("A", "aA", "a_b", "a.b", "a b", "a/b", "a:b", "a`b", "a{b", "\u00e9"),
)
"""Values of a targetPort, or of a probe's port, that its rule refuses."""
