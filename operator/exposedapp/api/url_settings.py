# SPDX-License-Identifier: Apache-2.0
"""Types of spec.nodes and spec.probe: which URLs are listed, and how they are probed. Pure."""

from typing import Literal

from pydantic import Field

from exposedapp.api.hosts import HOST_RULE, HOST_WORDS, MAX_NAME_LENGTH, HostText
from exposedapp.api.schema import Model, label_keys_rule, rules
from exposedapp.api.service import LabelValue

AddressType = Literal["ExternalIP", "InternalIP", "Hostname", "ExternalDNS", "InternalDNS"]


class NodesSpec(Model):
    """Which nodes' addresses become URLs."""

    selector: dict[str, LabelValue] | None = Field(
        default=None,
        description="Labels of the nodes to list; default: all nodes that forward.",
        max_length=64,
        json_schema_extra=label_keys_rule("nodes.selector"),
    )
    address_types: list[AddressType] = Field(
        default=["ExternalIP", "InternalIP"],
        description="Types of a node's addresses, the preferred one first; each node is listed "
        "with the first type that it has. Of the nodes that answer, status.url is one with the "
        "most preferred type.",
        min_length=1,
        max_length=5,
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **rules(
                (
                    "self.all(t, self.exists_one(u, u == t))",
                    "addressTypes names a type twice: write each at most once",
                )
            ),
        },
    )
    host: HostText | None = Field(
        default=None,
        description="A DNS name in lower case or an IP address, without scheme and port, to write "
        "into the URLs instead of the nodes' addresses: that of a load balancer or a NAT in front "
        "of them.",
        max_length=MAX_NAME_LENGTH,
        json_schema_extra=rules((HOST_RULE, f"nodes.host must be {HOST_WORDS}")),
    )
    limit: int = Field(
        default=16,
        description="Maximum number of nodes that are listed; status.nodes.eligible counts all.",
        ge=1,
        le=64,
    )


class ProbeSpec(Model):
    """How the operator finds out whether the URLs answer."""

    enabled: bool = Field(default=True, description="false: the URLs are not probed.")
    type: Literal["tcp", "http"] = Field(
        default="tcp",
        description="tcp: a connection is enough. http: a GET of the URL must be answered with "
        "less than 400; of URLs that are http or https.",
    )
    period_seconds: int = Field(
        default=60, description="Seconds between two probes of a URL that answers.", ge=1, le=3600
    )
    timeout_seconds: int = Field(
        default=2, description="Seconds after which a probe has failed.", ge=1, le=10
    )
    failure_threshold: int = Field(
        default=2,
        description="Consecutive failures after which a URL that has answered counts as failing; "
        "these probes follow each other quickly.",
        ge=1,
        le=10,
    )
