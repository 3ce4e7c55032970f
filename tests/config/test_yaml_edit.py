"""Single values in YAML text: only they change."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.yaml_edit import NotEditableError, is_block, remove_value, set_value
from pipeline.config.yaml_source import parse_document

TEXT = """\
# a config that somebody has written
styles:
  -   {name:  night , painting: 'night.jpg'}   # the one
  - name: "wave"
    painting:   wave.jpg

recipes:      # all of them
    default:
        size:   512      # long side
        # what keeps the photo
        content_weight: 1e-2

        content_layers:   # which
          - relu4_2     # usual
          - relu5_2
    mild: {size: 256, seed: 0}
schedule: {cron: "0 1 * * *", until: 22:00}
"""

DEFAULT = ("recipes", "default")


def value_at(text: str, location: Any) -> Any:
    data: Any = parse_document(text, Path("a.yaml")).data
    for part in location:
        data = data[part]
    return data


@pytest.mark.parametrize(
    ("location", "value", "old", "new"),
    [
        ((*DEFAULT, "size"), 640, "size:   512      # long side", "size:   640      # long side"),
        ((*DEFAULT, "content_weight"), 0.05, "content_weight: 1e-2", "content_weight: 0.05"),
        (
            (*DEFAULT, "content_layers"),
            ["relu3_2"],
            "content_layers:   # which\n          - relu4_2     # usual\n          - relu5_2\n",
            "content_layers: [relu3_2]  # which\n",
        ),
        ((*DEFAULT, "content_layers", 1), "relu3_2", "- relu5_2", "- relu3_2"),
        (
            (*DEFAULT, "seed"),
            7,
            "          - relu5_2\n",
            "          - relu5_2\n        seed: 7\n",
        ),
        (("recipes", "mild", "seed"), 7, "seed: 0}", "seed: 7}"),
        (("recipes", "mild", "loss"), "gatys", "seed: 0}", "seed: 0, loss: gatys}"),
        (("styles", 0, "scale"), 0.5, "'night.jpg'}   # the one", "'night.jpg', scale: 0.5}   # the one"),
        (("styles", 1, "scale"), 0.5, "wave.jpg\n", "wave.jpg\n    scale: 0.5\n"),
        (("styles", 0, "name"), "no", "name:  night ,", "name:  'no' ,"),
        (("log",), {"level": "debug"}, "22:00}\n", "22:00}\nlog: {level: debug}\n"),
        (
            ("recipes", "new"),
            {"size": 48},
            "mild: {size: 256, seed: 0}\n",
            "mild: {size: 256, seed: 0}\n    new: {size: 48}\n",
        ),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_only_the_value_changes(location: Any, value: Any, old: str, new: str, line_break: str) -> None:
    text, old, new = (each.replace("\n", line_break) for each in (TEXT, old, new))
    assert text.count(old) == 1
    changed = set_value(text, location, value)
    assert changed == text.replace(old, new)
    assert value_at(changed, location) == value


def test_a_new_mapping_has_a_line_for_each_key_if_the_others_have() -> None:
    text = TEXT.replace("    mild: {size: 256, seed: 0}\n", "")
    assert is_block(text, DEFAULT)
    changed = set_value(text, ("recipes", "new"), {"size": 48, "content_layers": ["relu4_2"]})
    expected = "          - relu5_2\n    new:\n        size: 48\n        content_layers: [relu4_2]\n"
    assert changed == text.replace("          - relu5_2\n", expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recipes:\n", "recipes: {new: {size: 48}}\n"),
        ("recipes: {}", "recipes: {new: {size: 48}}"),
        ("recipes:\n  new:   # soon\n", "recipes:\n  new: {size: 48}   # soon\n"),
        ("recipes:\n  a: {}", "recipes:\n  a: {}\n  new: {size: 48}\n"),
        ("recipes: {a: }", "recipes: {a: , new: {size: 48} }"),
    ],
)
def test_what_is_empty_is_filled(text: str, expected: str) -> None:
    assert set_value(text, ("recipes", "new"), {"size": 48}) == expected


def test_an_alias_gives_way_to_a_value_and_an_anchor_with_aliases_is_told_by_its_meaning() -> None:
    text = "a: &x 5\nb: *x\n"
    assert set_value(text, ("b",), 6) == "a: &x 5\nb: 6\n"
    assert set_value(text, ("a",), 6) == "a: 6\nb: *x\n", "which no parser takes"


@pytest.mark.parametrize("location", [("b", "size"), ("nowhere", "deeper"), ("c", 0, "x")])
def test_some_places_can_t_be_changed(location: Any) -> None:
    with pytest.raises(NotEditableError):
        set_value("a: &x {size: 5}\nb: *x\nc: [1]\n", location, 6)


@pytest.mark.parametrize(
    ("location", "old", "new"),
    [
        (("recipes", "mild", "size"), "{size: 256, seed: 0}", "{seed: 0}"),
        (("recipes", "mild", "seed"), "{size: 256, seed: 0}", "{size: 256}"),
        (("styles", 1, "painting"), "    painting:   wave.jpg\n", ""),
        (("schedule",), 'schedule: {cron: "0 1 * * *", until: 22:00}\n', ""),
    ],
)
def test_a_key_is_taken_out_with_its_line(location: Any, old: str, new: str) -> None:
    assert remove_value(TEXT, location) == TEXT.replace(old, new)


@pytest.mark.parametrize("location", [("styles", 1, "name"), ("recipes", "mild", "loss"), ("alone", "size")])
def test_the_only_key_and_the_first_of_an_item_can_t_be_taken_out(location: Any) -> None:
    with pytest.raises(NotEditableError):
        remove_value(TEXT + "alone: {size: 5}\n", location)


@pytest.mark.parametrize("location", [(*DEFAULT, "size"), (*DEFAULT, "content_layers"), ("flow", "a")])
def test_a_key_with_a_comment_is_not_taken_out(location: Any) -> None:
    with pytest.raises(NotEditableError, match="a comment is about it"):
        remove_value(TEXT + "flow: {a: 5,  # why\n  b: 6}\n", location)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_a_text_of_several_lines_ends_where_its_last_line_does(line_break: str) -> None:
    text = "a:\n  b: |\n    one\n    two\n\nc: >-\n  three\nd: 1\n".replace("\n", line_break)
    assert set_value(text, ("a", "b"), 2) == "a:\n  b: 2\n\nc: >-\n  three\nd: 1\n".replace("\n", line_break)
    assert remove_value(text, ("c",)) == text.replace(f"c: >-{line_break}  three{line_break}", "")
    assert f"    two{line_break}  e: 3{line_break}" in set_value(text, ("a", "e"), 3)


ODD = """\
# c1
"styles": # c2
- name: a # c3
  # c4
  paintings: # c5
    x.jpg: 0.5 # c6
    y.jpg: 0.5   # c7
  # c8
-  {name: b, # c9
    painting: 'z.jpg' # c10
   }
recipes: {
  # c11
  default: {size: 512}, # c12
  "mild one": {size: 640, # c13
     content_layers: [relu4_2, # c14
        relu5_2]} # c15
}
# c16
log: # c17

  # c18
  level: debug

# c19
hooks:
  after_run:
    command: |
      hi
      there
  last: >-
    folded
# c20"""


def places(data: Any, location: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for part, value in parts:
        yield (*location, part), value
        yield from places(value, (*location, part))


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_wherever_something_changes_in_an_odd_text_the_rest_means_the_same(line_break: str) -> None:
    text = ODD.replace("\n", line_break)
    before = parse_document(text, Path("a.yaml")).data
    for location, value in places(before):
        for new, change in (({"size": 7}, "new"), (0.125, "set"), (None, "removed")):
            expected = copy.deepcopy(before)
            owner: Any = expected
            for part in location[:-1]:
                owner = owner[part]
            try:
                if change == "removed":
                    changed = remove_value(text, location)
                    del owner[location[-1]]
                elif change == "set":
                    changed = set_value(text, location, new)
                    owner[location[-1]] = new
                elif isinstance(value, dict):
                    changed = set_value(text, (*location, "new"), new)
                    owner[location[-1]]["new"] = new
                else:
                    continue
            except NotEditableError:
                assert change == "removed" or isinstance(value, dict | list), location
                continue
            assert parse_document(changed, Path("a.yaml")).data == expected, (location, change)
            if change == "new" or (change == "set" and not isinstance(value, dict | list)):
                assert re.findall(r"# c[0-9]+", changed) == re.findall(r"# c[0-9]+", text), (location, change)
