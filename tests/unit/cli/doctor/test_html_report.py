# SPDX-License-Identifier: Apache-2.0
"""`exposedapp doctor -o html`: one page that a browser shows without a network."""

import re
from html.parser import HTMLParser

import pytest

from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Finding, Report, Step
from exposedapp.cli.doctor.html_report import render_html
from support.cli import API, HELLO, FakeKube, Run, not_ready

HOSTILE = "<script>alert(1)</script>\"'&"

STEPS = [Step("pods", True, "1 of 1"), Step("url", False, HOSTILE), Step("note", None, "x")]

VOID = {"meta"}


class Page(HTMLParser):
    """The tags of a page, which must be balanced, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(*names: str) -> str:
    report = Report(STEPS, Finding(DiagnosisCode.FILTERED, f"Lost. {HOSTILE}"))
    return render_html({("shop", name): report for name in names})


def test_texts_of_the_cluster_are_texts() -> None:
    page = Page(page_of("web"))
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) == 2
    assert page.tags.count("li") == len(STEPS)


def test_nothing_is_loaded() -> None:
    assert not re.search(r"https?://|src=|href=|@import|url\(", page_of("web"))


def test_any_encoding_will_do() -> None:
    assert page_of("web").isascii()
    assert "✓" in Page(page_of("web")).text


def test_several_apps_and_none() -> None:
    assert Page(page_of("one", "two")).tags.count("section") == 2
    assert "Every app is ready." in Page(page_of()).text


@pytest.mark.parametrize("words", [["hello"], ["-A"]])
def test_as_it_is_typed(
    run: Run, kube: FakeKube, url_probes: dict[str, UrlProbe], words: list[str]
) -> None:
    app = not_ready("ImagePullBackOff")
    kube.set_app(app)
    kube.responses[f"{API}/exposedapps"] = {"items": [app]}
    result = run("doctor", *words, "-o", "html")
    assert result.exit_code == 1
    assert "shop/hello" in Page(result.stdout).text
    assert HELLO["status"]["urls"][0] in Page(result.stdout).text
