# SPDX-License-Identifier: Apache-2.0
"""Types of spec.readinessProbe and spec.livenessProbe: the fields mirror Kubernetes' Probe.

Pure.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Probe
"""

from typing import Literal

from pydantic import ConfigDict, Field

from exposedapp.api.schema import Model, TargetPort, rules

HEADER_NAME = r"^[-A-Za-z0-9]+$"

MAX_INT32 = 2**31 - 1


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: str = Field(description="Name of the header.", pattern=HEADER_NAME)
    value: str = Field(description="Value of the header.")


class HTTPGetAction(Model):
    """An HTTP request; 200 to 399 is a success."""

    path: str | None = Field(
        default=None, description="Path of the request; default /.", min_length=1
    )
    port: TargetPort = Field(description="Port of the container, a number or a name.")
    host: str | None = Field(default=None, description="Host of the request; default: the pod.")
    scheme: Literal["HTTP", "HTTPS"] | None = Field(
        default=None, description="HTTP (default) or HTTPS; a certificate is not checked."
    )
    http_headers: list[HTTPHeader] | None = Field(
        default=None,
        description="Headers of the request.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class TCPSocketAction(Model):
    """A TCP connection; being accepted is a success."""

    port: TargetPort = Field(description="Port of the container, a number or a name.")
    host: str | None = Field(default=None, description="Host to connect to; default: the pod.")


class GRPCAction(Model):
    """A request to the gRPC health service."""

    port: int = Field(description="Port of the container.", ge=1, le=65535)
    service: str | None = Field(default=None, description="Name of the service to check.")


class ExecAction(Model):
    """A command in the container; exit code 0 is a success."""

    command: list[str] = Field(
        description="The command and its arguments; no shell is started.",
        min_length=1,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class Probe(Model):
    """How the kubelet checks a container: exactly one of httpGet, tcpSocket, grpc and exec."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.httpGet), has(self.tcpSocket), has(self.grpc), has(self.exec)]"
                ".filter(x, x).size() == 1",
                "a probe needs exactly one of httpGet, tcpSocket, grpc and exec",
            )
        )
    )

    http_get: HTTPGetAction | None = Field(default=None, description="Check by an HTTP request.")
    tcp_socket: TCPSocketAction | None = Field(
        default=None, description="Check by a TCP connection."
    )
    grpc: GRPCAction | None = Field(default=None, description="Check by gRPC's health service.")
    exec: ExecAction | None = Field(
        default=None, description="Check by a command in the container."
    )
    initial_delay_seconds: int | None = Field(
        default=None,
        description="Seconds from the container's start to the first check.",
        ge=0,
        le=MAX_INT32,
    )
    timeout_seconds: int | None = Field(
        default=None,
        description="Seconds after which a check has failed; default 1.",
        ge=1,
        le=MAX_INT32,
    )
    period_seconds: int | None = Field(
        default=None, description="Seconds between two checks; default 10.", ge=1, le=MAX_INT32
    )
    success_threshold: int | None = Field(
        default=None,
        description="Consecutive successes after which the container passes again; default 1.",
        ge=1,
        le=MAX_INT32,
    )
    failure_threshold: int | None = Field(
        default=None,
        description="Consecutive failures after which the container fails; default 3.",
        ge=1,
        le=MAX_INT32,
    )
    termination_grace_period_seconds: int | None = Field(
        default=None,
        description="Seconds that a container has to stop after its liveness probe failed.",
        ge=1,
    )
