# SPDX-License-Identifier: Apache-2.0
"""The operator's configuration: one field for each EXPOSEDAPP_* variable, with its default.

A field is the variable's name in lower case, without the prefix. Its description is what to write
into the variable; error messages quote it. environment.py reads the variables. Pure.
"""

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from exposedapp.api.hosts import HOST_WORDS, parse_host
from exposedapp.api.service import PortKey

MAX_PORT = 65535

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Source: RFC 1123 label, as namespaces are named."""


def _log_level(text: str) -> str:
    if text.upper() not in logging.getLevelNamesMapping():
        raise ValueError
    return text.upper()


def _bool(value: Any) -> bool:
    """Refuse pydantic's other words, such as "yes" and "1": a boolean has one spelling."""
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError
        return value == "true"
    return bool(value)


def _host(text: str) -> str:
    if not parse_host(text):
        raise ValueError
    return text


def _label(text: str | None) -> str | None:
    if text is not None and not LABEL.fullmatch(text):
        raise ValueError
    return text


def _namespaces(value: Any) -> Any:
    """Each once, in their order: two watches of one namespace would be twice the work."""
    return tuple(dict.fromkeys(_parts(value))) if isinstance(value, str) else value


def _hosts(value: Any) -> Any:
    return frozenset(map(_host, _parts(value))) if isinstance(value, str) else value


def _port_mappings(value: Any) -> Any:
    return dict(map(_port_mapping, _parts(value))) if isinstance(value, str) else value


def _port_mapping(text: str) -> tuple[PortKey, int]:
    numbers, _, protocol = text.partition("/")
    node_port, _, port = numbers.partition(":")
    if protocol not in ("", "TCP", "UDP", "SCTP"):
        raise ValueError
    return (_port(node_port), protocol or "TCP"), _port(port)


def _port(text: str) -> int:
    if not 1 <= int(text) <= MAX_PORT:
        raise ValueError
    return int(text)


def _parts(text: str) -> list[str]:
    return [stripped for part in text.split(",") if (stripped := part.strip())]


def _reference_kinds(value: Any) -> Any:
    return frozenset(_parts(value)) if isinstance(value, str) else value


Host = Annotated[str, AfterValidator(_host)]

ReferenceKind = Literal["ConfigMap", "Secret", "ServiceAccount"]
"""What the pods of an app may refer to."""

Count = Annotated[int, Field(ge=1, description="a whole number from 1 on")]


class Settings(BaseModel):
    """The operator's configuration. `Settings()` is the defaults, whatever the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_level: Annotated[
        str,
        AfterValidator(_log_level),
        Field(description="DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ] = "INFO"
    log_format: Annotated[Literal["text", "json"], Field(description="text or json")] = "text"
    health_port: Annotated[
        int, Field(ge=1, le=MAX_PORT, description="a port number from 1 to 65535")
    ] = 8080
    """Where the kubelet finds /healthz and /readyz."""
    metrics_port: Annotated[
        int, Field(ge=0, le=MAX_PORT, description="a port number from 1 to 65535, or 0 for none")
    ] = 8081
    """Where Prometheus finds /metrics."""
    nodes_host: Annotated[Host | None, Field(description=HOST_WORDS)] = None
    """Replaces the nodes' addresses, for apps that do not set spec.nodes.host themselves."""
    port_mappings: Annotated[
        Mapping[PortKey, int],
        BeforeValidator(_port_mappings),
        Field(description="NODEPORT:PORT/PROTOCOL with commas between, such as 30008:8080/TCP"),
    ] = {}
    """The port of localhost that leads to a node port, where the nodes cannot be reached: what was
    given to kind as extraPortMappings."""
    lease_namespace: Annotated[
        str | None,
        AfterValidator(_label),
        Field(description="the name of a namespace"),
    ] = None
    """Where the Lease is that the leader holds. By default the pod's own namespace, and outside of
    a pod `default`."""
    lease_name: Annotated[
        str,
        AfterValidator(_label),
        Field(description="a name of lower case letters, digits and hyphens, such as exposedapp"),
    ] = "exposedapp"
    """What operators share that must not work at the same time. Those with other namespaces to
    watch have another one."""
    watch_namespaces: Annotated[
        tuple[Annotated[str, AfterValidator(_label)], ...],
        BeforeValidator(_namespaces),
        Field(description="names of namespaces with commas between"),
    ] = ()
    """The namespaces whose apps are reconciled; none: all. The operator then needs no rights in
    others."""
    node_name: Annotated[str | None, Field(description="the name of a node")] = None
    """The node that the operator's pod runs on. Traffic between a pod and its own node is allowed
    whatever NetworkPolicies say, so that the kubelet there says nothing about the way of probes."""
    admission_port: Annotated[
        int, Field(ge=0, le=MAX_PORT, description="a port number from 1 to 65535, or 0 for none")
    ] = 0
    """Where the API server finds the admission webhook; by default there is none."""
    admission_name: Annotated[
        str, AfterValidator(_label), Field(description="the name of a Service")
    ] = "exposedapp-admission"
    """The name of the webhook's Service, Secret and ValidatingWebhookConfiguration."""
    admission_certificate: Annotated[Literal["own", "given"], Field(description="own or given")] = (
        "own"
    )
    """Whether the operator makes the webhook's certificate. A given one is that of cert-manager."""
    admission_references: Annotated[
        frozenset[ReferenceKind],
        BeforeValidator(_reference_kinds),
        Field(description="ConfigMap, Secret, ServiceAccount, or some of them with commas between"),
    ] = frozenset()
    """Of which kinds the webhook warns when an object that pods refer to does not exist."""
    requests_in_flight: Count = 32
    """Maximum of concurrent requests to the API server, watches excluded."""
    probe: Annotated[bool, BeforeValidator(_bool), Field(description="true or false")] = True
    """Whether any URL is probed."""
    probe_rate: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="a number above 0")
    ] = 50.0
    """Maximum of probes per second."""
    probe_in_flight: Count = 50
    """Maximum of concurrent probes."""
    probe_hosts: Annotated[
        frozenset[str],
        BeforeValidator(_hosts),
        Field(description=f"hosts with commas between, each {HOST_WORDS}"),
    ] = frozenset()
    """The values of spec.nodes.host that may be probed: an app's author chooses them, and the
    operator must not become their port scanner."""

    @property
    def watches_nodes(self) -> bool:
        """Whether Nodes are listed and watched.

        Not where the operator is confined to namespaces and needs no node's address: then it needs
        no right in the cluster as a whole.
        """
        return not (self.watch_namespaces and self.nodes_host)
