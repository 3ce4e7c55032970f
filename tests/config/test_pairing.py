"""The rules of a config's pairing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.config.conftest import Load

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"

RULES: list[tuple[str, list[Any]]] = [
    ("{match: '*', styles: [night]}", [("*", ("night",), ())]),
    (
        "{match: [a, b], styles: [night], recipe: large}",
        [("a", ("night",), ("large",)), ("b", ("night",), ("large",))],
    ),
    ("{match: a, styles: [], recipes: [large, default]}", [("a", (), ("large", "default"))]),
]


@pytest.mark.parametrize(("rule", "rules"), RULES)
def test_rules_come_out_one_for_each_pattern(load: Load, rule: str, rules: list[Any]) -> None:
    text = STYLE + f"recipes: {{large: {{size: 1024}}}}\npairing: {{by: folder, rules: [{rule}]}}"
    pairing = load(text).pairing
    assert pairing.by == "folder"
    assert [tuple(each) for each in pairing.rules] == rules
    assert all(each.match == each[0] for each in pairing.rules)
