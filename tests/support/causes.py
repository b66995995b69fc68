# SPDX-License-Identifier: Apache-2.0
"""What keeps pods from being ready, as the cluster shows it, and what the app's status then says.

Each message of a kubelet, scheduler or controller here is one that was seen on a cluster, or is
worded as in the file of kubernetes/kubernetes that the modules of status/ name. docs/not-ready.md
has the list as a table.
"""

from dataclasses import dataclass, field
from typing import Any

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from support.objects import deployment_body

STATUS, EVENT = "pod's status", "Event of the pod"
CLAIM_EVENT = "Event of the PersistentVolumeClaim"
DEPLOYMENT = "Deployment's status"
POD = "web-1"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause, and the words for it."""

    name: str
    reason: Reason
    words: str
    source: str
    pods: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    deployment: Json = field(default_factory=lambda: deployment_body(1, 0))


def pod(
    *,
    name: str = POD,
    spec: Json | None = None,
    container: Json | None = None,
    conditions: list[Json] | None = None,
    created: str = "2026-01-01T00:00:00Z",
    deleted: bool = False,
    **status: Any,
) -> Json:
    """A pod on node-1 with one container; `container` are fields of its status."""
    metadata = {"name": name, "uid": f"uid-{name}", "creationTimestamp": created}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:05:00Z"
    state = {"name": "app", "ready": False, "restartCount": 0, "state": {"running": {}}}
    return {
        "metadata": metadata,
        "spec": {"nodeName": "node-1", "containers": [{"name": "app"}], **(spec or {})},
        "status": {
            "phase": "Running",
            "conditions": conditions or [SCHEDULED, NOT_READY],
            "containerStatuses": [state | (container or {})],
            **status,
        },
    }


def event(reason: str, message: str, *, kind: str = "Pod", name: str = POD, **more: Any) -> Json:
    """An Event about the pod, or about another object."""
    about = {"kind": kind, "name": name, "fieldPath": "spec.containers{app}"}
    time = "2026-01-01T00:01:00Z"
    fields = {"reason": reason, "message": message, "lastTimestamp": time}
    return {"involvedObject": about, **fields, **more}


def waiting(reason: str, message: str | None = None) -> Json:
    """A container that waits."""
    words = {"message": message} if message else {}
    return {"state": {"waiting": {"reason": reason, **words}}}


def crashed(reason: str, code: int, restarts: int = 3, **last: Any) -> Json:
    """A container that ended, and that the kubelet holds back."""
    back_off = "back-off 40s restarting failed container=app pod=web-1_shop(uid)"
    terminated = {"reason": reason, "exitCode": code, **last}
    return {
        **waiting("CrashLoopBackOff", back_off),
        "lastState": {"terminated": terminated},
        "restartCount": restarts,
    }


def unscheduled(message: str, reason: str = "Unschedulable", **spec: Any) -> list[Json]:
    """A pod that the scheduler cannot place."""
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    body = pod(spec={"nodeName": None, **spec}, conditions=[condition], phase="Pending")
    del body["status"]["containerStatuses"]
    return [body]


def replica_failure(message: str) -> Json:
    """A Deployment whose pods are refused."""
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
    return deployment_body(1, 0, conditions=[condition | {"message": message}], updatedReplicas=0)


SCHEDULED: Json = {"type": "PodScheduled", "status": "True"}
NOT_READY: Json = {
    "type": "Ready",
    "status": "False",
    "reason": "ContainersNotReady",
    "message": "containers with unready status: [app]",
}
CREATING = waiting("ContainerCreating")
STARTING = [pod(container=CREATING, phase="Pending")]
HTTP_PROBE: Json = {"httpGet": {"path": "/", "port": 9999}}


def probed(**probes: Json) -> Json:
    """The spec of a pod whose container has these probes."""
    return {"containers": [{"name": "app", **probes}]}


def limited(memory: str) -> Json:
    """The spec of a pod whose container has a memory limit."""
    return {"containers": [{"name": "app", "resources": {"limits": {"memory": memory}}}]}


def claiming(name: str) -> Json:
    """The spec of a pod that mounts a claim."""
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}


MISSING_TLS = 'MountVolume.SetUp failed for volume "tls" : secret "tls-cert" not found'
MISSING_CONF = 'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found'
MULTI_ATTACH = 'Multi-Attach error for volume "pvc-7c" Volume is already used by pod(s) web-0'
UNMOUNTED = (
    "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to "
    "process volumes=[]: context deadline exceeded"
)
ONE_WRITER = "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
REFUSED = 'Get "http://10.244.1.5:9999/": dial tcp 10.244.1.5:9999: connect: connection refused'
SANDBOX = 'plugin type="ptp" failed (add): no IP addresses available in range set'
POD_SECURITY = (
    'pods "web-5f-x7k2p" is forbidden: violates PodSecurity "restricted:latest": '
    'allowPrivilegeEscalation != false (container "app" must set '
    "securityContext.allowPrivilegeEscalation=false)"
)
QUOTA = (
    'pods "web-5f-x7k2p" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, '
    "limited: pods=2"
)
LIMIT_RANGE = (
    'pods "web-5f-x7k2p" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'
)
POLICY = (
    "pods \"web-5f-x7k2p\" is forbidden: ValidatingAdmissionPolicy 'images' with binding 'images' "
    "denied request: only images of registry.example are allowed"
)
WEBHOOK = (
    'Internal error occurred: failed calling webhook "validate.kyverno.svc": failed to call '
    'webhook: Post "https://kyverno-svc.kyverno.svc:443/validate": dial tcp 10.96.4.2:443: '
    "connect: connection refused"
)
GATE = 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
NO_PLATFORM = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/x/app:1": no '
    "match for platform in manifest: not found"
)
NO_IMAGE = (
    'Back-off pulling image "x/app:1": ErrImagePull: rpc error: code = NotFound desc = failed to '
    'pull and unpack image "docker.io/x/app:1": not found'
)
INVALID_IMAGE = (
    'Failed to apply default image tag "No Image": couldn\'t parse image name "No Image": invalid '
    "reference format"
)
NO_PROGRAM = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    'create failed: unable to start container process: exec: "/no/program": no such file or '
    "directory"
)

CAUSES = [
    Cause(
        name="a Secret of a volume does not exist",
        pods=STARTING,
        events=[event("FailedMount", MISSING_TLS)],
        reason=Reason.FAILED_MOUNT,
        words=f"Pod web-1: {MISSING_TLS}",
        source=EVENT,
    ),
    Cause(
        name="a ConfigMap of a volume does not exist",
        pods=STARTING,
        events=[event("FailedMount", MISSING_CONF)],
        reason=Reason.FAILED_MOUNT,
        words=f"Pod web-1: {MISSING_CONF}",
        source=EVENT,
    ),
    Cause(
        name="a ReadWriteOnce volume is attached to another node",
        pods=STARTING,
        events=[
            event("FailedAttachVolume", MULTI_ATTACH),
            event("FailedMount", UNMOUNTED, lastTimestamp="2026-01-01T00:03:00Z"),
        ],
        reason=Reason.FAILED_MOUNT,
        words=f"Pod web-1: {MULTI_ATTACH}",
        source=EVENT,
    ),
    Cause(
        name="a PersistentVolumeClaim does not exist",
        pods=unscheduled(
            '0/3 nodes are available: persistentvolumeclaim "data" not found.', **claiming("data")
        ),
        reason=Reason.UNSCHEDULABLE,
        words='0/3 nodes are available: persistentvolumeclaim "data" not found.',
        source=STATUS,
    ),
    Cause(
        name="a PersistentVolumeClaim is not bound at once: its class does not exist",
        pods=unscheduled(
            "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            **claiming("data"),
        ),
        events=[
            event(
                "ProvisioningFailed",
                'storageclass.storage.k8s.io "fast" not found',
                kind="PersistentVolumeClaim",
                name="data",
            )
        ],
        reason=Reason.UNSCHEDULABLE,
        words="0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims; "
        'PersistentVolumeClaim data: storageclass.storage.k8s.io "fast" not found',
        source=CLAIM_EVENT,
    ),
    Cause(
        name="the provisioner does not have the access mode of a PersistentVolumeClaim",
        pods=[pod(spec={"nodeName": None, **claiming("data")}, conditions=[{"type": "Other"}])],
        events=[event("ProvisioningFailed", ONE_WRITER, kind="PersistentVolumeClaim", name="data")],
        reason=Reason.FAILED_MOUNT,
        words=f"Pod web-1: PersistentVolumeClaim data: {ONE_WRITER}",
        source=CLAIM_EVENT,
    ),
    Cause(
        name="the readiness probe fails",
        pods=[pod(spec=probed(readinessProbe=HTTP_PROBE))],
        events=[event("Unhealthy", f"Readiness probe failed: {REFUSED}")],
        reason=Reason.UNHEALTHY,
        words=f"Pod web-1: container app runs, its readiness probe fails: {REFUSED}",
        source=EVENT,
    ),
    Cause(
        name="the readiness probe names a port that no container has",
        pods=[pod(spec=probed(readinessProbe=HTTP_PROBE))],
        events=[
            event(
                "Unhealthy",
                "Readiness probe errored and resulted in unknown state: "
                'strconv.Atoi: parsing "nowhere": invalid syntax',
            )
        ],
        reason=Reason.UNHEALTHY,
        words="Pod web-1: container app runs, its readiness probe fails: "
        'strconv.Atoi: parsing "nowhere": invalid syntax',
        source=EVENT,
    ),
    Cause(
        name="the startup probe fails",
        pods=[pod(spec=probed(startupProbe=HTTP_PROBE), container={"started": False})],
        events=[event("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503")],
        reason=Reason.UNHEALTHY,
        words="Pod web-1: container app runs, its startup probe fails: "
        "HTTP probe failed with statuscode: 503",
        source=EVENT,
    ),
    Cause(
        name="a probe has not been tried yet: initialDelaySeconds",
        pods=[pod(spec=probed(readinessProbe=HTTP_PROBE))],
        reason=Reason.PROGRESSING,
        words="Pod web-1: container app runs, its readiness probe has not succeeded yet",
        source=STATUS,
    ),
    Cause(
        name="the liveness probe ends the container again and again",
        pods=[pod(spec=probed(livenessProbe=HTTP_PROBE), container=crashed("Error", 137))],
        events=[event("Unhealthy", f"Liveness probe failed: {REFUSED}")],
        reason=Reason.CRASH_LOOP,
        words="Pod web-1: the container is crash looping (Error, exit code 137); "
        f"its liveness probe fails: {REFUSED}",
        source=EVENT,
    ),
    Cause(
        name="an init container fails",
        pods=[
            pod(
                container=waiting("PodInitializing"),
                initContainerStatuses=[{"name": "migrate", "ready": False, **crashed("Error", 1)}],
            )
        ],
        reason=Reason.CRASH_LOOP,
        words="Pod web-1, init container migrate: the container is crash looping (Error, exit code "
        "1)",
        source=STATUS,
    ),
    Cause(
        name="an init container does not end",
        pods=[
            pod(
                container=waiting("PodInitializing"),
                initContainerStatuses=[
                    {"name": "migrate", "ready": False, "restartCount": 0, "state": {"running": {}}}
                ],
            )
        ],
        reason=Reason.PROGRESSING,
        words="Pod web-1: init container migrate has not finished",
        source=STATUS,
    ),
    Cause(
        name="a readiness gate is not fulfilled",
        pods=[
            pod(
                container={"ready": True},
                conditions=[
                    SCHEDULED,
                    NOT_READY | {"reason": "ReadinessGatesNotReady", "message": GATE},
                ],
            )
        ],
        reason=Reason.PROGRESSING,
        words=f"Pod web-1: {GATE}",
        source=STATUS,
    ),
    Cause(
        name="the image does not exist, or its registry refuses it",
        pods=[pod(container=waiting("ImagePullBackOff", NO_IMAGE))],
        reason=Reason.IMAGE_PULL,
        words=f"Pod web-1: {NO_IMAGE}",
        source=STATUS,
    ),
    Cause(
        name="the image has no variant for the node's platform",
        pods=[pod(container=waiting("ErrImagePull", NO_PLATFORM))],
        reason=Reason.IMAGE_PULL,
        words=f"Pod web-1: {NO_PLATFORM}",
        source=STATUS,
    ),
    Cause(
        name="the image's name is invalid",
        pods=[pod(container=waiting("InvalidImageName", INVALID_IMAGE))],
        reason=Reason.IMAGE_PULL,
        words=f"Pod web-1: {INVALID_IMAGE}",
        source=STATUS,
    ),
    Cause(
        name="the image is large, and still being pulled",
        pods=STARTING,
        events=[event("Pulling", 'Pulling image "x/app:1"')],
        reason=Reason.PROGRESSING,
        words='Pod web-1: Pulling image "x/app:1"',
        source=EVENT,
    ),
    Cause(
        name="a ConfigMap or Secret of env or envFrom does not exist",
        pods=[pod(container=waiting("CreateContainerConfigError", 'secret "db" not found'))],
        reason=Reason.CONTAINER_CONFIG,
        words='Pod web-1: secret "db" not found',
        source=STATUS,
    ),
    Cause(
        name="the pod gets no network",
        pods=STARTING,
        events=[event("FailedCreatePodSandBox", SANDBOX)],
        reason=Reason.PROGRESSING,
        words=f"Pod web-1: FailedCreatePodSandBox: {SANDBOX}",
        source=EVENT,
    ),
    Cause(
        name="the program ends",
        pods=[pod(container=crashed("Error", 3, message="no DATABASE_URL\n"))],
        reason=Reason.CRASH_LOOP,
        words="Pod web-1: the container is crash looping (Error, exit code 3): no DATABASE_URL",
        source=STATUS,
    ),
    Cause(
        name="the program does not exist in the image",
        pods=[pod(container=crashed("StartError", 128, message=NO_PROGRAM))],
        reason=Reason.CRASH_LOOP,
        words="Pod web-1: the container is crash looping (StartError, exit code 128): "
        f"{NO_PROGRAM}",
        source=STATUS,
    ),
    Cause(
        name="the container needs more memory than its limit",
        pods=[pod(spec=limited("64Mi"), container=crashed("OOMKilled", 137))],
        reason=Reason.CRASH_LOOP,
        words="Pod web-1: the container is crash looping (OOMKilled, exit code 137, memory limit "
        "64Mi)",
        source=STATUS,
    ),
    Cause(
        name="the node runs out of memory",
        pods=[pod(container=crashed("OOMKilled", 137))],
        reason=Reason.CRASH_LOOP,
        words="Pod web-1: the container is crash looping (OOMKilled, exit code 137, no memory "
        "limit: its node ran out of memory)",
        source=STATUS,
    ),
    Cause(
        name="the container restarted once, and may be mended",
        pods=[
            pod(
                container={
                    "restartCount": 1,
                    "lastState": {"terminated": {"reason": "Error", "exitCode": 1}},
                }
            )
        ],
        reason=Reason.PROGRESSING,
        words="Pod web-1: the container restarted once (Error, exit code 1)",
        source=STATUS,
    ),
    Cause(
        name="too little CPU or memory is free",
        pods=unscheduled("0/3 nodes are available: 3 Insufficient cpu."),
        reason=Reason.UNSCHEDULABLE,
        words="0/3 nodes are available: 3 Insufficient cpu.",
        source=STATUS,
    ),
    Cause(
        name="no node has the labels, or tolerates the pod, or has the host port free",
        pods=unscheduled(
            "0/3 nodes are available: 1 node(s) had untolerated taint {gpu: }, 2 node(s) didn't "
            "match Pod's node affinity/selector."
        ),
        reason=Reason.UNSCHEDULABLE,
        words="0/3 nodes are available: 1 node(s) had untolerated taint {gpu: }, 2 node(s) didn't "
        "match Pod's node affinity/selector.",
        source=STATUS,
    ),
    Cause(
        name="a scheduling gate is closed",
        pods=unscheduled(
            "Scheduling is blocked due to non-empty scheduling gates",
            reason="SchedulingGated",
            schedulingGates=[{"name": "example.com/queue"}],
        ),
        reason=Reason.UNSCHEDULABLE,
        words="Pod web-1: SchedulingGated: Scheduling is blocked due to non-empty scheduling gates "
        "(example.com/queue)",
        source=STATUS,
    ),
    Cause(
        name="the scheduler that the pod names does not run",
        pods=[
            pod(
                spec={"nodeName": None, "schedulerName": "volcano"},
                conditions=[{"type": "Other"}],
                phase="Pending",
                containerStatuses=[],
            )
        ],
        reason=Reason.PROGRESSING,
        words="Pod web-1: the scheduler volcano has not placed it on a node",
        source=STATUS,
    ),
    Cause(
        name="the pod is evicted, and its successor too",
        pods=[
            pod(
                phase="Failed",
                reason="Evicted",
                message="The node was low on resource: ephemeral-storage.",
            )
        ],
        reason=Reason.PROGRESSING,
        words="Pod web-1: Evicted: The node was low on resource: ephemeral-storage.",
        source=STATUS,
    ),
    Cause(
        name="the kubelet rejects the pod",
        pods=[
            pod(
                phase="Failed",
                reason="NodeAffinity",
                message="Pod was rejected: Predicate NodeAffinity failed",
            )
        ],
        reason=Reason.PROGRESSING,
        words="Pod web-1: NodeAffinity: Pod was rejected: Predicate NodeAffinity failed",
        source=STATUS,
    ),
    Cause(
        name="the pod is preempted",
        pods=[
            pod(
                deleted=True,
                conditions=[
                    {
                        "type": "DisruptionTarget",
                        "status": "True",
                        "reason": "PreemptionByScheduler",
                        "message": "default-scheduler: preempting to accommodate a higher priority "
                        "pod",
                    }
                ],
            )
        ],
        reason=Reason.PROGRESSING,
        words="Pod web-1: PreemptionByScheduler: default-scheduler: preempting to accommodate a "
        "higher priority pod",
        source=STATUS,
    ),
    Cause(
        name="the pod's node does not report any more",
        pods=[pod(container={"ready": True})],
        reason=Reason.PROGRESSING,
        words="Pod web-1: its containers were ready, but node node-1 does not report",
        source=STATUS,
    ),
    Cause(
        name="Pod Security refuses the pods",
        deployment=replica_failure(POD_SECURITY),
        reason=Reason.FAILED_CREATE,
        words=POD_SECURITY,
        source=DEPLOYMENT,
    ),
    Cause(
        name="a quota refuses the pods",
        deployment=replica_failure(QUOTA),
        reason=Reason.FAILED_CREATE,
        words=QUOTA,
        source=DEPLOYMENT,
    ),
    Cause(
        name="a LimitRange refuses the pods",
        deployment=replica_failure(LIMIT_RANGE),
        reason=Reason.FAILED_CREATE,
        words=LIMIT_RANGE,
        source=DEPLOYMENT,
    ),
    Cause(
        name="a policy refuses the pods",
        deployment=replica_failure(POLICY),
        reason=Reason.FAILED_CREATE,
        words=POLICY,
        source=DEPLOYMENT,
    ),
    Cause(
        name="an admission webhook is down",
        deployment=replica_failure(WEBHOOK),
        reason=Reason.FAILED_CREATE,
        words=WEBHOOK,
        source=DEPLOYMENT,
    ),
    Cause(
        name="the Deployment is paused",
        deployment=deployment_body(1, updatedReplicas=0, paused=True),
        reason=Reason.DEPLOYMENT_PAUSED,
        words="The Deployment is paused; resume it: kubectl rollout resume -n shop deployment/web",
        source="Deployment's spec",
    ),
    Cause(
        name="the progress deadline has passed, for none of these causes",
        deployment=deployment_body(
            1,
            0,
            conditions=[
                {
                    "type": "Progressing",
                    "status": "False",
                    "message": 'ReplicaSet "web-5f" has timed out progressing.',
                }
            ],
        ),
        reason=Reason.DEADLINE,
        words='ReplicaSet "web-5f" has timed out progressing.',
        source=DEPLOYMENT,
    ),
]
