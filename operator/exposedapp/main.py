"""The operator's process: `python -m exposedapp.main`.

Environment: EXPOSEDAPP_LOG_LEVEL (default INFO), EXPOSEDAPP_HEALTH_PORT (default 8080).
"""

import asyncio
import logging
import os

import kopf

from exposedapp.handlers import make_registry


def main() -> None:
    """Runs the operator until it is told to stop."""
    logging.basicConfig(
        level=os.environ.get("EXPOSEDAPP_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    # kopf tells every event that it sees; what the operator does of it is told by itself.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    port = int(os.environ.get("EXPOSEDAPP_HEALTH_PORT", "8080"))
    asyncio.run(
        kopf.operator(
            registry=make_registry(),
            clusterwide=True,
            standalone=True,
            liveness_endpoint=f"http://0.0.0.0:{port}/healthz",
        )
    )


if __name__ == "__main__":
    main()
