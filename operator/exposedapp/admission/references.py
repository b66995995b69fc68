# SPDX-License-Identifier: Apache-2.0
"""The objects that the pods of an app need, and whose absence the API server accepts. Pure.

Called by reviewer.py with the pod template as the API server returned it, so its fields have the
right types.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from exposedapp.api.meta import Json
from exposedapp.settings import ReferenceKind

DEFAULT_ACCOUNT = "default"
"""Kubernetes creates it in each namespace, a moment after that."""

OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""What the names of these objects are (RFC 1123). The API server accepts any text in a pod
template, and in a path dots and slashes would lead to other namespaces."""


class Reference(NamedTuple):
    """An object of the app's namespace."""

    kind: ReferenceKind
    name: str


def references(pod_spec: Json) -> list[Reference]:
    """The ConfigMaps, Secrets and ServiceAccounts without which the pods do not start.

    Each once; without those that are marked as optional.
    """
    return list(dict.fromkeys((*_from_pod(pod_spec), *_from_containers(pod_spec))))


def _from_pod(pod_spec: Json) -> Iterator[Reference]:
    account = pod_spec.get("serviceAccountName", DEFAULT_ACCOUNT)
    if account != DEFAULT_ACCOUNT:
        yield Reference("ServiceAccount", account)
    for secret in pod_spec.get("imagePullSecrets") or ():
        yield from _reference("Secret", secret)
    for volume in pod_spec.get("volumes") or ():
        yield from _reference("ConfigMap", volume.get("configMap"))
        yield from _reference("Secret", volume.get("secret"), "secretName")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _reference("ConfigMap", source.get("configMap"))
            yield from _reference("Secret", source.get("secret"))


def _from_containers(pod_spec: Json) -> Iterator[Reference]:
    for field in ("initContainers", "containers"):
        for container in pod_spec.get(field) or ():
            for source in container.get("envFrom") or ():
                yield from _reference("ConfigMap", source.get("configMapRef"))
                yield from _reference("Secret", source.get("secretRef"))
            for variable in container.get("env") or ():
                source = variable.get("valueFrom") or {}
                yield from _reference("ConfigMap", source.get("configMapKeyRef"))
                yield from _reference("Secret", source.get("secretKeyRef"))


def _reference(
    kind: ReferenceKind, source: Json | None, field: str = "name"
) -> Iterator[Reference]:
    if source and source.get(field) and not source.get("optional"):
        yield Reference(kind, source[field])
