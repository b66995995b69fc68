# SPDX-License-Identifier: Apache-2.0
"""The cluster, prepared for operators that run outside of it. Called by conftest.py and soak/."""

import asyncio

import yaml

from faults.api_server import ROOT, ApiServer, RefusedError

CRD_FILE = ROOT / "deploy" / "chart" / "exposedapp" / "files" / "crd.yaml"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/exposedapps.exposedapp.dev"
IN_CLUSTER = "/apis/apps/v1/namespaces/exposedapp-system/deployments/exposedapp"
PODS = (
    "/api/v1/namespaces/exposedapp-system/pods?labelSelector=app.kubernetes.io%2Fname%3Dexposedapp"
)
SCALE_SECONDS = 60.0


async def prepare_cluster() -> int:
    """Install the CRD, and scale the operator in the cluster to 0: it would reconcile as well.

    Returns its replicas; 0 when it is not installed.
    """
    async with ApiServer.connect() as api:
        await api.apply(yaml.safe_load(CRD_FILE.read_text()), CRD)
        try:
            deployment = await api.request("GET", IN_CLUSTER)
        except RefusedError as error:
            if error.status != 404:
                raise
            return 0
        await _scale(api, 0)
        return int(deployment["spec"]["replicas"])


async def restore_cluster(replicas: int) -> None:
    """Scale the operator in the cluster back."""
    if replicas:
        async with ApiServer.connect() as api:
            await _scale(api, replicas)


async def _scale(api: ApiServer, replicas: int) -> None:
    """Scale, and wait for the pods: one that is being deleted may still write."""
    await api.request("PATCH", IN_CLUSTER, {"spec": {"replicas": replicas}})
    async with asyncio.timeout(SCALE_SECONDS):
        while len((await api.request("GET", PODS))["items"]) != replicas:
            await asyncio.sleep(0.2)
