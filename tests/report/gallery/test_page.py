"""The page is made of the package's template; the title, a folder's name, is text in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from pipeline.report.gallery.page import GENERATOR, page_files
from tests.report.gallery.hostile_names import HOSTILE_NAMES

TEMPLATE = """<!doctype html><meta name="generator" content="{{ program }}"><title>{{ title }}</title>
<script src="assets/a.js?{{ revision }}"></script>"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "assets").mkdir()
    (tmp_path / "templates" / "index.html").write_text(TEMPLATE)
    (tmp_path / "assets" / "a.js").write_text("'use strict';")
    return tmp_path


def page(package: Path, title: str = "output") -> str:
    return dict(page_files(title, "stylewatch 0.1.0", package))["index.html"].decode("utf-8")


@pytest.mark.parametrize("title", HOSTILE_NAMES, ids=ascii)
def test_a_hostile_title_opens_no_tag_and_ends_none(package: Path, title: str) -> None:
    assert page(package, title).count("<") == page(package, "output").count("<")


def test_assets_come_before_the_page_that_names_their_revision(package: Path) -> None:
    before = page(package)
    (package / "assets" / "a.js").write_text("'use strict'; // changed")

    assert [name for name, _ in page_files("output", "stylewatch", package)] == ["assets/a.js", "index.html"]
    assert page(package) != before


def test_the_page_names_the_program_by_which_its_folder_is_known(package: Path) -> None:
    assert GENERATOR in page(package)


def test_a_template_that_asks_for_what_there_is_not_fails(package: Path) -> None:
    (package / "templates" / "index.html").write_text("{{ photo }}")

    with pytest.raises(UndefinedError):
        page(package)
