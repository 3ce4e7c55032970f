"""YAML 1.2's core schema, positions, and what is said about text that is no YAML."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.document import Document
from pipeline.config.yaml_source import read_document
from pipeline.errors import ConfigError

SCALARS = [
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("true", True),
    ("FALSE", False),
    ("tRUE", "tRUE"),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("off", "off"),
    ("12", 12),
    ("+12", 12),
    ("-0", 0),
    ("0777", 777),
    ("0o17", 15),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1e4", 1e4),
    ("1E4", 1e4),
    ("1e-2", 0.01),
    ("-1.5e+3", -1500.0),
    (".5", 0.5),
    ("1.", 1.0),
    (".", "."),
    ("1e", "1e"),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("22:00", "22:00"),
    ("1:30:00", "1:30:00"),
    ("2024-06-01", "2024-06-01"),
    ("2024-06-01T10:00:00Z", "2024-06-01T10:00:00Z"),
    ("'12'", "12"),
    ('"null"', "null"),
    ("!!str 12", "12"),
    ("!!int 12", 12),
    ("!!float 1.5", 1.5),
    ("=", "="),
    ("paintings/starry_night.jpg", "paintings/starry_night.jpg"),
]


def read(tmp_path: Path, text: str | bytes) -> Document:
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_document(path)


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(str(tmp_path / "config.yaml"), "config.yaml")


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_scalar_is_what_yaml_1_2_says(tmp_path: Path, text: str, value: Any) -> None:
    found = read(tmp_path, f"key: {text}\n").data["key"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_number_of_yaml(tmp_path: Path, text: str) -> None:
    assert math.isnan(read(tmp_path, f"key: {text}").data["key"])


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_every_number_python_prints_is_read_as_that_number(tmp_path_factory: Any, number: float) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, f"key: {number!r}".replace("inf", ".inf")).data["key"] == number


def test_keys_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    assert read(tmp_path, "2024: a\nno: b\n1e4: c\n'': d\n").data == {"2024": "a", "no": "b", "1e4": "c", "": "d"}


def test_every_value_knows_its_line_and_column(tmp_path: Path) -> None:
    document = read(tmp_path, "# comment\na:\n  b: [1,\n    2]\n  c:\n    - d: 3\n")
    assert document.position(("a",)) == (2, 0)
    assert document.position(("a", "b")) == (3, 2)
    assert document.position(("a", "b", 1)) == (4, 4)
    assert document.position(("a", "c", 0, "d")) == (6, 6)


def test_the_place_of_an_absent_key_is_that_of_the_mapping_around_it(tmp_path: Path) -> None:
    document = read(tmp_path, "\na: 1\nb:\n  c: 2\n")
    assert document.position(("b", "zzz", 3)) == (3, 0)
    assert document.position(("zzz",)) == (2, 0)


def test_aliases_repeat_what_their_anchor_names(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n").data["d"] == [{"b": [1]}, {"b": [1]}]


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    document = read(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa9\r\n")
    assert document.data == {"a": 1, "b": "é"}
    assert document.position(("b",)) == (2, 0)


FAULTS = [
    ("a: 1\nb: 2\na: 3\n", "('a',)", 3, "is repeated (first on line 1)"),
    ("x: {a: 1, 'a': 2}", "('x', 'a')", 1, "is repeated (first on line 1)"),
    ("x:\n  <<: {a: 1}\n", "('x',)", 2, "merges with '<<'"),
    ("x: 1\n? [1, 2]\n: 2\n", "()", 2, "has a key that is empty, a list or a mapping"),
    ("x: 1\n~: 2\n", "()", 2, "has a key that is empty"),
    ("x: !!python/object/apply:os.system [echo]", "('x',)", 1, "can't be read as !!python/object/apply:os.system"),
    ("x: !!python/name:os.system", "('x',)", 1, "can't be read as !!python/name:os.system"),
    ("x: !!set {a, b}", "('x',)", 1, "can't be read as !!set"),
    ("x: !color red", "('x',)", 1, "can't be read as !color"),
    ("x: !!int many", "('x',)", 1, "can't be read as !!int"),
    ("x: " + "9" * 5000, "('x',)", 1, "can't be read as !!int"),
    ('x: "D:\\Photos"', "('x',)", 1, 'found "D:\\Photos"; use single quotes or forward slashes'),
    ('x: {y: ["d:\\new"]}', "('x', 'y', 0)", 1, 'found "d:\\new"; use single quotes or forward slashes'),
    ('x: {"D:\\new.jpg": 1}', "('x', 'D:\\new.jpg')", 1, "use single quotes or forward slashes"),
    ("x: {weight: 0,02}", "('x', 'weight')", 1, "has a comma in a number, found 0,02; use a point: 0.02"),
    ("x: {a: 1, size: 1,024, b: 2}", "('x', 'size')", 1, "found 1,024; use a point: 1.024, or no comma: 1024"),
    ("x: {weight: 1,5e-2, b: 2}", "('x', 'weight')", 1, "found 1,5e-2; use a point: 1.5e-2"),
    ("x: {space: 1,5 GB}", "('x', 'space')", 1, "found 1,5 GB; use a point: 1.5 GB"),
    ("x: !!timestamp 2024-01-01", "('x',)", 1, "can't be read as !!timestamp"),
]


@pytest.mark.parametrize(("text", "where", "line", "message"), FAULTS)
def test_a_fault_in_one_place_leaves_the_rest_readable(
    tmp_path: Path, text: str, where: str, line: int, message: str
) -> None:
    document = read(tmp_path, text + "\nrest: 7\n")
    [problem] = document.problems
    assert (str(problem.location), problem.line, problem.file) == (where, line, None)
    assert message in problem.message
    assert document.data["rest"] == 7


@pytest.mark.parametrize(
    "text", ["{a: 1, 2: }", "{a: 1,b: 2}", "{a: x,02}", "[1,02]", "{a: '1',02}", "{a: 1,02: 3}", "{a: 1,'02'}"]
)
def test_a_comma_that_is_none_of_a_number_is_yamls_own(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"x: {text}").problems == ()


def test_a_number_with_a_comma_counts_as_what_was_meant(tmp_path: Path) -> None:
    assert read(tmp_path, "x: {a: 0,5, b: 7,5, c: 1,5 GB}").data["x"] == {"a": 0.5, "b": 7.5, "c": "1.5 GB"}


@pytest.mark.parametrize("text", ['"D:\\\\Photos"', "'D:\\Photos'", "D:\\Photos", '"D:/Photos"'])
def test_a_path_of_windows_that_yaml_leaves_alone_is_one(tmp_path: Path, text: str) -> None:
    document = read(tmp_path, f"x: {text}")
    assert document.problems == ()
    assert document.data["x"].replace("/", "\\") == "D:\\Photos"


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1}\t\nc: x\t\n",
        "a: \t{b: 1} \t # a comment\nc:\tx\n",
        "a:\t\n  b: 1\t#1\n\t\n \t# a comment\nc: 'x'\t",
        "a: {b:\t1\t}\r\nc: x\t\r\n",
    ],
)
def test_a_tab_that_indents_nothing_is_white_space(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).data["c"] == "x"
    assert str(read(tmp_path, text).data["a"]["b"])[0] == "1"


def test_of_a_repeated_key_the_first_one_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "a: 1\na: 2\n").data == {"a": 1}


REFUSALS = [
    ("", "config.yaml: is empty; it needs at least 'styles' (see configs/quickstart.yaml)"),
    ("# only a comment\n", "config.yaml: is empty; it needs at least 'styles' (see configs/quickstart.yaml)"),
    ("\n- a\n", "config.yaml:2: must hold settings as 'key: value' lines"),
    ("just text", "config.yaml:1: must hold settings as 'key: value' lines"),
    ("a:\n\tb: 1\n", "config.yaml:2: begins with a tab; YAML is indented with spaces only"),
    ("a:\n  b: 1\n \tc: 2\n", "config.yaml:3: begins with a tab; YAML is indented with spaces only"),
    ("a: @home", "config.yaml:1: has text that begins with a character that YAML reserves; put the text in quotes"),
    ("a: *.jpg", "config.yaml:1: has text that begins with '*' or '&'; put it in quotes: '*.jpg'"),
    ("a: *x", "config.yaml:1: begins with '*', an alias of something not defined above; quote patterns: '*x'"),
    ("a: b: c", "config.yaml:1: has a ':' where none is allowed; quote text that contains ': '"),
    ("a: 1\nb: 'x\nc: 1\n", "config.yaml:2: opens a quote that is never closed"),
    ("a: 1\nb: [1, 2\nc: 3\n", "config.yaml:2: opens a list with '[' that lacks a comma or its ']'"),
    ("a: {b: 1", "config.yaml:1: opens a mapping with '{' that lacks a comma or its '}'"),
    ("a: 1\nword\nb: 1\n", "config.yaml:2: is not 'key: value'; put a space after the ':'"),
    ("a:\n    b: 1\n  c: 2\n", "config.yaml:3: is indented unlike the lines around it"),
    ("a: {folder}/{stem}\n", "config.yaml:1: is indented unlike the lines around it, or has text with { }"),
    ("a: 1\n---\nb: 1\n", "config.yaml:2: begins a second document with '---'"),
    (
        'a: "C:\\Users"',
        "config.yaml:1: has text with a \\ in double quotes that YAML can't read; use single quotes or forw",
    ),
    (
        'a: "C:\\Udeadbeef"',
        "config.yaml:1: has text with a \\ in double quotes that YAML can't read; use single quotes",
    ),
    (
        'a: 1\nb: "..\\photos"',
        "config.yaml:2: has text with a \\ in double quotes that YAML can't read; use single quotes",
    ),
    ("%YAML 2.0\n---\na: 1\n", "config.yaml:1: is not valid YAML: "),
    ("a: 1\nb: \x07\n", "config.yaml:2: holds the control character U+0007; remove it"),
    (b"a: 1\nb: caf\xe9\n", "config.yaml:2: is not UTF-8 text; save the file as UTF-8 in your editor"),
    ("a: 1".encode("utf-16"), "config.yaml:1: is not UTF-8 text"),
    ("a: &x [*x]", "config.yaml:1: an alias (*name) is inside what it refers to; remove it"),
    ("a: " + "[" * 700, "config.yaml: is nested too deeply"),
    ("a: " + "[" * 51 + "]" * 51, "config.yaml:1: is nested too deeply"),
    (
        "a0: &a0 []\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(600)),
        "config.yaml:1: is nested too deeply",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSALS)
def test_what_is_no_yaml_is_refused_in_one_sentence_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    told = refusal(tmp_path, text)
    assert told.startswith(message)
    assert "\n" not in told


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "its aliases (*name) multiply to more than 50,000 values" in refusal(tmp_path, "\n".join(levels))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: can't be read \(No such file"):
        read_document(tmp_path / "nowhere.yaml")


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_document(tmp_path)


@given(st.text(st.sampled_from(" \n\t-:,[]{}#&*!|>'\"%@`?abc01.<~\\é\x85\u2028")))
def test_any_text_is_a_mapping_or_refused(tmp_path_factory: Any, text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(read(tmp_path_factory.getbasetemp(), text).data, dict)
