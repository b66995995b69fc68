# SPDX-License-Identifier: Apache-2.0
"""Keys and selectors."""

from exposedapp.api.meta import AppRef, NamespacedName, key_of, selector_string


def test_an_app_and_its_children_have_one_key() -> None:
    app = AppRef("shop", "web", "uid-web")
    assert app.key == key_of({"metadata": {"namespace": "shop", "name": "web"}})
    assert app.key == NamespacedName("shop", "web")
    assert str(app.key) == "shop/web"


def test_a_selector_is_sorted() -> None:
    assert selector_string({"b": "2", "a": "1"}) == "a=1,b=2"
