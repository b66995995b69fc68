"""Pure: what each reason of the condition Ready means to a person, and what to do."""

ADVICE = {
    "Progressing": "Pods or objects are on their way: wait a little.",
    "ImagePullBackOff": "The image cannot be pulled: look at its name and at the pull secret.",
    "CreateContainerConfigError": "The container cannot be made: look whether the ConfigMaps and "
    "Secrets that env and envFrom name exist.",
    "CrashLoopBackOff": "The container keeps ending: `kubectl logs -n {namespace} "
    "-l exposedapp.dev/name={name} --previous` shows its last words.",
    "Unschedulable": "No node has room for the pods, or may take them: lower spec.resources, or "
    "add a node.",
    "FailedCreate": "The cluster refuses the pods: see the quota or the policy that it names.",
    "ProgressDeadlineExceeded": "The pods have not become ready for ten minutes: look at their "
    "logs, and at the readinessProbe.",
    "InvalidSpec": "The spec cannot work: change the field that is named.",
    "NotOwned": "An object of that name is somebody else's and is left alone: take another name, "
    "or annotate it with exposedapp.dev/adopt=true.",
    "NodePortConflict": "Another Service has the node port: choose another one, or free it.",
    "NodePortsExhausted": "The cluster has no node port left: delete a Service that has some.",
    "QuotaExceeded": "The namespace's quota does not allow it: raise it, or ask for less.",
    "Forbidden": "The operator may not do that: see its ClusterRole, and the cluster's policies.",
    "NoEligibleNode": "No node forwards to the app: look at `kubectl get nodes` and spec.nodes.",
    "WaitingForAnswer": "The operator is still trying the URLs: wait a little.",
    "Unreachable": "The operator cannot connect to any URL: what it can reach may be less than "
    "what you can, or a firewall is between the nodes.",
}


def advice(reason: str, namespace: str, name: str) -> str:
    """What to do about a reason; empty for one that is not known here."""
    return ADVICE.get(reason, "").format(namespace=namespace, name=name)
