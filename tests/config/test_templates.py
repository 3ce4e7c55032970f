"""Which texts with fields are refused, and how."""

from __future__ import annotations

import pytest

from pipeline.config.templates import template_error


@pytest.mark.parametrize("text", ["", "plain", "{stem}", "{stem}-{style}", "{{not a field}} {stem}"])
def test_known_fields_and_doubled_braces_are_fine(text: str) -> None:
    assert template_error(text, ("stem", "style")) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{stm}", "can use {stem}, {style}, found the field {stm}; did you mean 'stem'?"),
        ("{}", "can use {stem}, {style}, found the field {}"),
        ("{stem", "must put '{' and '}' around one of {stem}, {style}, found '{stem'"),
        ("{stem!r}", "must name fields without ':' or '!', found '{stem!r}'"),
        ("{stem:>9}", "must name fields without ':' or '!', found '{stem:>9}'"),
    ],
)
def test_other_fields_are_refused(text: str, message: str) -> None:
    assert template_error(text, ("stem", "style")) == message
