# SPDX-License-Identifier: Apache-2.0
"""Renders the pages and their parts; Jinja escapes every value.

The parts that change (a row of the list, the body of an app's page) are templates of their own: a
page has them when it is loaded, and the stream of events has them afterwards.
"""

from collections.abc import Iterator, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from exposedapp.api.meta import NamespacedName
from exposedapp.catalog.view import AppView, State

MAX_ROW_ADDRESSES = 1
MAX_ROW_MESSAGE = 400
"""Characters; the app's own page has all of it."""

ROWS = "<!-- rows -->"
"""Where the rows belong in the list's template: they are rendered already."""

ROWS_PER_PART = 100


class Pages:
    """The templates."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader("exposedapp.catalog"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["code"] = _code
        environment.globals.update(
            states=list(State), max_addresses=MAX_ROW_ADDRESSES, max_message=MAX_ROW_MESSAGE
        )
        self._row = environment.get_template("row.html")
        self._index = environment.get_template("index.html")
        self._app = environment.get_template("app.html")
        self._app_body = environment.get_template("app_body.html")

    def row(self, app: AppView) -> bytes:
        """An app in the list, as UTF-8."""
        return self._row.render(app=app, root="").encode()

    def index(self, rows: Sequence[bytes], since: str) -> Iterator[bytes]:
        """The list, in parts as UTF-8; `since` is the change up to which it is complete."""
        head, _, tail = self._index.render(since=since, root="").partition(ROWS)
        yield head.encode()
        for start in range(0, len(rows), ROWS_PER_PART):
            yield b"\n".join(rows[start : start + ROWS_PER_PART])
        yield tail.encode()

    def app(self, key: NamespacedName, app: AppView | None, since: str) -> str:
        """The page of an app, or of one that is not there (yet, or any more)."""
        return self._app.render(key=key, app=app, since=since, root="../../")

    def app_body(self, key: NamespacedName, app: AppView | None) -> str:
        """What changes of an app's page."""
        return self._app_body.render(key=key, app=app, root="../../")


def _code(text: str) -> Markup:
    """A sentence in which `backquotes` mark code."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if index % 2 else Markup("{}").format(part)
        for index, part in enumerate(parts)
    )
