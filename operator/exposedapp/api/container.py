# SPDX-License-Identifier: Apache-2.0
"""Types of the resource that mirror a container: the fields have Kubernetes' names and shapes.

Pure.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from exposedapp.api.schema import Model, map_list, rules

ENV_NAME = r"^[ -<>-~]+$"

QUANTITY = r"^\+?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]+))?$"

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

DATA_KEY = r"^(\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*)$"


def _must_be_quantity(value: Any) -> Any:
    """A text or an integer; a number with a fraction as text, so that 0.1 stays that."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        # Of a TypeError pydantic makes no ValidationError.
        raise ValueError("must be a number, or a text such as 500m or 64Mi")  # noqa: TRY004
    return repr(value) if isinstance(value, float) else value


Quantity = Annotated[
    int | str,
    BeforeValidator(_must_be_quantity),
    WithJsonSchema(
        {"x-kubernetes-preserve-unknown-fields": True, "pattern": QUANTITY, "maxLength": 64}
    ),
]
"""Kubernetes' Quantity. It may be a number such as 0.5, for which a structural schema has no type
beside integer and string: those that are neither are refused here."""


class ObjectKeySelector(Model):
    """One key of a ConfigMap or a Secret."""

    name: str = Field(
        description="Name of the object, in the app's own namespace.",
        pattern=OBJECT_NAME,
        max_length=253,
    )
    key: str = Field(description="The key to read.", pattern=DATA_KEY, max_length=253)
    optional: bool | None = Field(
        default=None,
        description="Whether the pod may start when the object or the key does not exist.",
    )


class ObjectFieldSelector(Model):
    """One field of the pod itself."""

    api_version: Literal["v1"] | None = Field(
        default=None, description="Version of the API that fieldPath is read in; default v1."
    )
    field_path: str = Field(
        description="The field: metadata.name, metadata.namespace, metadata.labels['KEY'], "
        "metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, "
        "status.podIP or status.podIPs.",
        min_length=1,
    )


class ResourceFieldSelector(Model):
    """One resource limit or request of a container."""

    container_name: str | None = Field(
        default=None, description="The container; default: the app's own."
    )
    resource: str = Field(description="The resource, for example limits.memory.", min_length=1)
    divisor: Quantity | None = Field(
        default=None, description="Unit of the value, for example 1Mi; default 1."
    )


class EnvVarSource(Model):
    """Where the value of an environment variable comes from: exactly one of these."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.configMapKeyRef), has(self.secretKeyRef), has(self.fieldRef), "
                "has(self.resourceFieldRef)].filter(x, x).size() == 1",
                "valueFrom needs exactly one of configMapKeyRef, secretKeyRef, fieldRef "
                "and resourceFieldRef",
            )
        )
    )

    config_map_key_ref: ObjectKeySelector | None = Field(
        default=None, description="A key of a ConfigMap."
    )
    secret_key_ref: ObjectKeySelector | None = Field(default=None, description="A key of a Secret.")
    field_ref: ObjectFieldSelector | None = Field(
        default=None, description="A field of the pod, such as spec.nodeName."
    )
    resource_field_ref: ResourceFieldSelector | None = Field(
        default=None, description="A limit or request of a container."
    )


class EnvVar(Model):
    """One environment variable of the container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.value) && self.value != '' && has(self.valueFrom))",
                "an environment variable has a value or a valueFrom, not both",
            )
        )
    )

    name: str = Field(
        description="Name of the variable.",
        min_length=1,
        max_length=256,
        pattern=ENV_NAME,
    )
    value: str | None = Field(
        default=None,
        description="Its value. $(NAME) is replaced by the variable NAME; $$(NAME) stands for "
        "the text $(NAME).",
    )
    value_from: EnvVarSource | None = Field(
        default=None, description="Takes the value from another object, instead of value."
    )


class ObjectReference(Model):
    """A ConfigMap or a Secret as a whole."""

    name: str = Field(
        description="Name of the object, in the app's own namespace.",
        pattern=OBJECT_NAME,
        max_length=253,
    )
    optional: bool | None = Field(
        default=None, description="Whether the pod may start when the object does not exist."
    )


class EnvFromSource(Model):
    """All keys of a ConfigMap or a Secret as environment variables: exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.configMapRef) != has(self.secretRef)",
                "an item of envFrom needs exactly one of configMapRef and secretRef",
            )
        )
    )

    prefix: str | None = Field(
        default=None,
        description="Put before each key to make the variable's name.",
        pattern=r"^[ -<>-~]*$",
    )
    config_map_ref: ObjectReference | None = Field(default=None, description="A ConfigMap.")
    secret_ref: ObjectReference | None = Field(default=None, description="A Secret.")


class ResourceClaim(Model):
    """A claim for a device that the pod declares."""

    name: str = Field(description="Name of the claim in the pod.", min_length=1)
    request: str | None = Field(
        default=None, description="Name of one request in the claim; default: all of them."
    )


class ResourceRequirements(Model):
    """The container's share of the node's CPU, memory and devices."""

    requests: dict[str, Quantity] | None = Field(
        default=None,
        description="What is reserved for each pod, for example {cpu: 100m, memory: 64Mi}.",
    )
    limits: dict[str, Quantity] | None = Field(
        default=None,
        description="What a pod can use at most. Over the memory limit it is killed, over the "
        "CPU limit it is throttled.",
    )
    claims: list[ResourceClaim] | None = Field(
        default=None,
        description="Devices, by claims that the pod declares.",
        json_schema_extra=map_list("name"),
    )
