# SPDX-License-Identifier: Apache-2.0
"""Takes the screenshots of docs/catalog.md: `make screenshots`.

The catalog runs beside an API server in memory, whose apps are these; so they are the same at every
run, but for what another version of Chromium draws otherwise.
"""

from io import BytesIO
from pathlib import Path

from PIL import Image

from support.browser import DESKTOP, PHONE, ColorScheme, chromium, new_page
from support.catalog import failing_app, ready_app, unreachable_app
from support.catalog_thread import CatalogThread

NOW = "2026-01-05T12:00:00Z"

MAX_COLORS = 128
"""Half of the bytes of a picture with all its shades."""

IMAGES = Path(__file__).parent / "images"

REFUSED = (
    "0 of 3 node URLs answer, tried from the operator's pod; http://172.18.0.2:30443: connection "
    "refused; http://172.18.0.3:30443: connection refused; http://172.18.0.4:30443: connection "
    "refused"
)

APPS = [
    failing_app(
        "checkout",
        "ImagePullBackOff",
        "Pod checkout-7d9c5b-x2x8v: the image registry.example/shop/checkout:v9 cannot be pulled: "
        "not found",
        node_port=30082,
    ),
    failing_app(
        "api",
        "CrashLoopBackOff",
        "Pod api-6f4b9-k9t2m: container app exits with code 1; its last output: KeyError: "
        "'DATABASE_URL'",
        "payments",
        node_port=30083,
    ),
    unreachable_app("gateway", REFUSED, "payments", node_port=30443),
    failing_app("search", "Progressing", "0 of 2 pods are ready.", node_port=30084),
    ready_app("cart"),
    ready_app("web", node_port=30081),
    ready_app("grafana", "monitoring", 30090),
]

SHOTS: list[tuple[str, str, tuple[int, int], ColorScheme]] = [
    ("catalog", "", DESKTOP, "light"),
    ("catalog-phone", "", PHONE, "light"),
    ("catalog-app", "apps/payments/gateway", DESKTOP, "light"),
]


def main() -> None:
    """Write docs/images/."""
    IMAGES.mkdir(exist_ok=True)
    with CatalogThread() as catalog, chromium() as browser:
        for app in APPS:
            catalog.put(app)
        for name, path, size, color_scheme in SHOTS:
            with new_page(browser, size, color_scheme) as page:
                page.clock.set_fixed_time(NOW)  # ages
                page.goto(f"{catalog.url}/{path}")
                page.locator("body[data-live=true]").wait_for()
                page.locator(".app, .chain").nth(-1).wait_for()
                shot = Image.open(BytesIO(page.screenshot()))
                shot.quantize(MAX_COLORS).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
