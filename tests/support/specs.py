# SPDX-License-Identifier: Apache-2.0
"""One spec for everything that an app can ask for; None removes a default of spec_of()."""

from exposedapp.api.meta import Json

DNS_PORTS = [
    {"name": "dns", "port": 53, "targetPort": 5353},
    {"name": "dns-udp", "port": 53, "targetPort": 5353, "protocol": "UDP"},
]

NO_IMAGE: Json = {"image": None}

SPECS: dict[str, Json] = {
    "minimal": {},
    "several-ports": {"replicas": 3, "ports": [*DNS_PORTS, {"name": "metrics", "port": 9153}]},
    "env-and-resources": {
        "env": [
            {"name": "GREETING", "value": "hello"},
            {"name": "EMPTY", "value": ""},
            {
                "name": "PASSWORD",
                "valueFrom": {"secretKeyRef": {"name": "db", "key": "password", "optional": True}},
            },
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {
                "name": "MEMORY",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
            },
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"cpu": 1, "memory": "128Mi", "example.com/device": 2},
        },
    },
    "target-port-by-name": {
        "ports": [
            {"name": "web", "port": 80, "targetPort": 8080},
            {"name": "alias", "port": 8000, "targetPort": "web"},
        ]
    },
    "long-port-name": {
        # A Service allows 63 characters, a container port 15.
        "ports": [{"name": "a-name-of-more-than-fifteen", "port": 80}]
    },
    "fixed-node-port": {"ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080}]},
    "command-and-probes": {
        "command": ["/bin/server"],
        "args": ["--port", "$(PORT)"],
        "envFrom": [
            {"prefix": "A_", "configMapRef": {"name": "a"}},
            {"secretRef": {"name": "b", "optional": True}},
        ],
        "ports": [{"name": "web", "port": 80, "targetPort": 8080}],
        "readinessProbe": {
            "httpGet": {
                "path": "/ready",
                "port": "web",
                "httpHeaders": [{"name": "A", "value": "b"}],
            },
            "periodSeconds": 1,
        },
        "livenessProbe": {"tcpSocket": {"port": 8080}, "failureThreshold": 5},
    },
    "stopped": {"replicas": 0},
    "pod-template": {
        "env": [{"name": "MODE", "value": "plain"}, {"name": "PORT", "value": "80"}],
        "ports": [{"name": "web", "port": 80, "targetPort": "proxied"}],
        "podTemplate": {
            "metadata": {
                "labels": {"team": "shop", "exposedapp.dev/name": "mine"},
                "annotations": {"example.com/scrape": "yes"},
            },
            "spec": {
                "serviceAccountName": "shop",
                "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}],
                "containers": [
                    {
                        "name": "app",
                        "env": [{"name": "MODE", "value": "fancy"}],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    },
                    {
                        "name": "proxy",
                        "image": "registry.example/proxy:1",
                        "ports": [{"name": "proxied", "containerPort": 8080}],
                    },
                ],
            },
        },
    },
    "deployment": {
        "replicas": 2,
        "deployment": {
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "50%"}},
            "minReadySeconds": 5,
            "progressDeadlineSeconds": 120,
            "revisionHistoryLimit": 0,
            "labels": {"team": "shop", "exposedapp.dev/name": "mine"},
            "annotations": {
                "reloader.stakater.com/auto": "true",
                "exposedapp.dev/adopt": "false",
                "exposedapp.dev/desired-hash": "mine",
            },
        },
    },
    "recreate": {"deployment": {"strategy": {"type": "Recreate"}}},
    "selector": {
        **NO_IMAGE,
        "selector": {"app": "db", "role": "primary"},
        "ports": [{"port": 5432, "targetPort": "postgres"}],
    },
    "cluster-ip": {
        "ports": [{"port": 80, "scheme": "https", "path": "/login"}],
        "service": {"type": "ClusterIP", "internalTrafficPolicy": "Local"},
    },
    "load-balancer": {
        "ports": [
            {"name": "web", "port": 443, "nodePort": 30443, "appProtocol": "https"},
            {"name": "h2c", "port": 80, "appProtocol": "kubernetes.io/h2c"},
        ],
        "service": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
    },
    "load-balancer-alone": {
        "service": {
            "type": "LoadBalancer",
            "loadBalancerClass": "example.com/internal",
            "loadBalancerSourceRanges": ["192.0.2.0/24", "2001:db8::/32"],
            "allocateLoadBalancerNodePorts": False,
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 30081,
        },
    },
    "service-traffic": {
        "service": {
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
            "trafficDistribution": "PreferClose",
            "publishNotReadyAddresses": True,
            "externalIPs": ["192.0.2.1"],
        },
    },
    "external-name": {
        **NO_IMAGE,
        "ports": None,
        "service": {"type": "ExternalName", "externalName": "db.example.com"},
    },
    "external-name-with-a-port": {
        **NO_IMAGE,
        "service": {"type": "ExternalName", "externalName": "db.example.com"},
    },
    "service": {
        "service": {
            "labels": {"team": "shop", "exposedapp.dev/name": "mine"},
            "annotations": {"lb.example/size": "small"},
            "sessionAffinity": "ClientIP",
            "ipFamilyPolicy": "PreferDualStack",
            "ipFamilies": ["IPv6", "IPv4"],
            "externalTrafficPolicy": "Cluster",
        },
    },
}
