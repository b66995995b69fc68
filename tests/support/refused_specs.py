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
        "spec.ports[1]: Duplicate value",
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
