# SPDX-License-Identifier: Apache-2.0
"""The doctor's report as one HTML page, for a person without a terminal. Pure.

Called by the command `doctor`. The page loads nothing from anywhere, and texts of the cluster are
escaped: others have written parts of them.
"""

from collections.abc import Mapping
from html import escape

from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Report, Step

STATES = {True: ("ok", "✓", "works"), False: ("broken", "✗", "broken"), None: ("open", "–", "open")}
"""Class, mark and word of a step; the word is for screen readers."""

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
ol { list-style: none; padding: 0; }
li { display: grid; grid-template-columns: 1.5rem 8rem 1fr; padding: .25rem 0;
  border-left: .2rem solid; padding-left: .75rem; }
.ok { border-color: #2e7d32; } .broken { border-color: #c62828; } .open { border-color: #9e9e9e; }
.word { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.finding { padding: 1rem; border: .1rem solid; border-radius: .5rem; white-space: pre-line; }
"""


def render_html(reports: Mapping[tuple[str, str], Report]) -> str:
    """One page with the reports of these apps, by namespace and name."""
    title = "ExposedApps" if len(reports) != 1 else "/".join(next(iter(reports)))
    sections = [_section(namespace, name, report) for (namespace, name), report in reports.items()]
    page = "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1>",
            *(sections or ["<p>Every app is ready.</p>"]),
            "</main></body></html>",
        ]
    )
    # Whatever the encoding of the output is, a browser reads the same.
    return page.encode("ascii", "xmlcharrefreplace").decode()


def _section(namespace: str, name: str, report: Report) -> str:
    finding = report.finding
    state = "ok" if finding.code == DiagnosisCode.FINE else "broken"
    return "\n".join(
        [
            f"<section><h2>{escape(namespace)}/{escape(name)}: {escape(finding.code)}</h2>",
            f'<p class="finding {state}">{escape(finding.text)}</p>',
            "<ol>",
            *map(_item, report.steps),
            "</ol></section>",
        ]
    )


def _item(step: Step) -> str:
    state, mark, word = STATES[step.ok]
    return (
        f'<li class="{state}"><span aria-hidden="true">{mark}</span>'
        f'<span>{escape(step.name)}<span class="word"> {word}</span></span>'
        f"<span>{escape(step.detail)}</span></li>"
    )
