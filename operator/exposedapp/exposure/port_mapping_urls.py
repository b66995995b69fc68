# SPDX-License-Identifier: Apache-2.0
"""URLs at the user's own machine, where a local cluster maps node ports to it. Pure.

Called by urls.py. The mappings are configuration of the operator (chart value portMappings).
"""

from collections.abc import Iterator, Mapping

from exposedapp.api.service import PortKey
from exposedapp.exposure.external_url import ExternalUrl, UrlOrigin
from exposedapp.exposure.port_urls import PortUrls

LOCALHOST = "localhost"


def port_mapping_urls(port: PortUrls, mappings: Mapping[PortKey, int]) -> Iterator[ExternalUrl]:
    """The URL of one port, if its node port is mapped; `mappings` are settings.port_mappings."""
    local_port = mappings.get((port.node_port or 0, port.protocol))
    if local_port:
        url = port.url(LOCALHOST, local_port)
        yield ExternalUrl(url, port, LOCALHOST, UrlOrigin.PORT_MAPPING)
