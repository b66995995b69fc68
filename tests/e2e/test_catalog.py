# SPDX-License-Identifier: Apache-2.0
"""The catalog on the cluster, as the chart has it, in headless Chromium."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_kind import KindCluster

from e2e.conftest import BIN, Operator, namespace_of
from e2e.support import ROOT, Namespace, app, built_image
from support.browser import chromium, is_marked, mark_when_live, new_page, serious_violations

pytestmark = pytest.mark.shares_cluster

Json = dict[str, Any]

RELEASE = "catalog-test"
NAME = f"{RELEASE}-exposedapp-catalog"
PATIENCE_MILLISECONDS = 90_000
CHART = ROOT / "deploy" / "chart" / "exposedapp"
NO_SUCH_IMAGE = "localhost/exposedapp/none:dev"


def exposed_catalog() -> Json:
    """The ExposedApp of docs/catalog.md that leads to the catalog."""
    text = (ROOT / "docs" / "catalog.md").read_text()
    [block] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    body: Json = yaml.safe_load(block)
    del body["metadata"]["namespace"]
    body["spec"]["selector"]["app.kubernetes.io/instance"] = RELEASE
    return body


@pytest.fixture(scope="module")
def catalog(cluster: KindCluster, operator: Operator) -> Iterator[str]:
    """The URL of a catalog that runs in a restricted namespace of its own."""
    with namespace_of(cluster) as namespace:
        namespace.kubectl(
            "label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted"
        )
        repository, _, tag = built_image("OPERATOR_IMAGE").rpartition(":")
        values = ["catalog.enabled=true", f"image.repository={repository}", f"image.tag={tag}"]
        objects = subprocess.run(
            [
                *(BIN / "helm", "template", RELEASE, CHART, "--namespace", namespace.name),
                *("--show-only", "templates/catalog.yaml", "--set", ",".join(values)),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        try:
            namespace.kubectl("apply", "-f", "-", stdin=objects)
            namespace.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=90s")
            namespace.apply(exposed_catalog())
            yield namespace.wait_ready("catalog")["status"]["url"] + "/"
            assert "Traceback" not in namespace.kubectl("logs", f"deployment/{NAME}")
        finally:
            namespace.kubectl("delete", "-f", "-", "--wait=false", stdin=objects)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_page(browser) as opened:
        yield opened


def load(page: Page, url: str) -> None:
    page.goto(url)
    mark_when_live(page)


def row(page: Page, namespace: Namespace, name: str) -> Locator:
    return page.locator(f'[data-key="{namespace.name}/{name}"]')


def test_an_app_appears_fails_heals_and_is_deleted_without_a_reload(
    catalog: str, page: Page, namespace: Namespace
) -> None:
    load(page, f"{catalog}?namespace={namespace.name}")
    web = row(page, namespace, "web")
    expect(web).to_have_count(0)
    namespace.apply(app("web"))
    expect(web).to_have_attribute("data-state", "ready")
    url = namespace.wait_ready("web")["status"]["url"]
    expect(web.get_by_role("link", name=url)).to_have_attribute("href", url)
    expect(web).to_contain_text("1/1")

    namespace.apply(app("web", image=NO_SUCH_IMAGE))
    expect(web).to_have_attribute("data-state", "not-ready")
    expect(web).to_contain_text("ImagePullBackOff")
    expect(web).to_contain_text("Check its name and the pull secret.")

    namespace.apply(app("web"))
    expect(web).to_have_attribute("data-state", "ready")
    namespace.kubectl("delete", "xapp", "web")
    expect(web).to_have_count(0)
    assert is_marked(page)


def test_an_apps_page_shows_which_link_fails(
    catalog: str, page: Page, namespace: Namespace
) -> None:
    namespace.apply(app("web"))
    load(page, catalog)
    row(page, namespace, "web").get_by_role("link", name="web", exact=True).click()
    mark_when_live(page)
    links = page.locator(".chain .health")
    expect(links).to_have_text(["works"] * 4)
    wrong_target = app("web", ports=[{"port": 80, "targetPort": 9}])
    namespace.apply(wrong_target)
    expect(links).to_have_text(["fails", "works", "unknown", "works"])
    expect(page.locator(".now")).to_contain_text("Unreachable")
    assert serious_violations(page) == []
    namespace.apply(app("web"))
    expect(links).to_have_text(["works"] * 4)
    assert is_marked(page)


def test_it_may_read_exposedapps_and_nothing_else(
    catalog: str, cluster: KindCluster, namespace: Namespace
) -> None:
    pod = cluster.kubectl(
        *("get", "serviceaccounts", "--all-namespaces", "--field-selector"),
        *(f"metadata.name={NAME}", "-o", "jsonpath={.items[0].metadata.namespace}"),
    )
    user = f"system:serviceaccount:{pod}:{NAME}"
    everywhere = "--all-namespaces"
    resource = "exposedapps.exposedapp.dev"
    verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
    may = [verb for verb in verbs if namespace.may(user, verb, resource, everywhere)]
    assert may == ["get", "list", "watch"]
    for other in ("secrets", "pods", "services", "nodes", "deployments.apps"):
        assert not namespace.may(user, "get", other, everywhere)
