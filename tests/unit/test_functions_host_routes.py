"""Route templates: what they match, what they extract, which of two wins."""

from __future__ import annotations

import pytest

from local.functions.routes import Route


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("events", "events", {}),
        ("events", "Events/", {}),
        ("events", "event", None),
        ("orders/{id}", "orders/a%20b", {"id": "a b"}),
        ("orders/{id}", "orders", None),
        ("orders/{id}", "orders/1/2", None),
        ("orders/{id:int}", "orders/7", {"id": "7"}),
        ("orders/{id:int}", "orders/x", None),
        ("orders/{id:int?}", "orders", {}),
        ("orders/{id:guid}", "orders/8c0cf1f3-7d14-4d6c-8d5a-04a1b3a0a1f4",
         {"id": "8c0cf1f3-7d14-4d6c-8d5a-04a1b3a0a1f4"}),
        ("files/{name}.{extension}", "files/a.json", {"name": "a", "extension": "json"}),
        ("files/{*path}", "files/a/b/c", {"path": "a/b/c"}),
        ("files/{*path}", "files", {}),
        ("{*all}", "x/y", {"all": "x/y"}),
        ("", "", {}),
        ("a.b", "aXb", None),
        ("v/{n:required}", "v/a", {"n": "a"}),
        ("v/{n:required}", "v/a/b", None),
    ],
)  # fmt: skip
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert Route.parse(template).match(path) == expected


def test_the_more_specific_template_comes_first() -> None:
    templates = ["{*all}", "orders/{id}", "orders/{id:int}", "orders/latest"]
    ordered = sorted((Route.parse(template) for template in templates), key=lambda route: route.precedence)
    assert [route.template for route in ordered] == ["orders/latest", "orders/{id:int}", "orders/{id}", "{*all}"]


@pytest.mark.parametrize("template", ["a/{", "a/{b:unknown}", "a/}b", "{b}/{b}", "{1}", "a/{b:regex(^[0-9]+$)}"])
def test_refuses_what_is_not_a_template(template: str) -> None:
    with pytest.raises(ValueError, match="route"):
        Route.parse(template)
