from __future__ import annotations

import re
from pathlib import Path

import pytest

import pipeline.report.gallery
from pipeline.report.gallery.page import page_files

ASSETS = {
    path.name: path.read_text("utf-8")
    for path in (Path(pipeline.report.gallery.__file__).parent / "assets").iterdir()
    if path.is_file()
}
SCRIPTS = sorted(name for name in ASSETS if name.endswith(".js"))
STYLES = sorted(name for name in ASSETS if name.endswith(".css"))
PAGE = dict(page_files("<b>&\udce9", "stylewatch 0"))["index.html"].decode()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_small_strict_and_parses_nothing_as_html(name: str) -> None:
    text = ASSETS[name]
    assert text.startswith("// ")
    assert "'use strict';" in text
    assert len(text.splitlines()) < 350
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|ContextualFragment", text)
    assert not re.search(r"\beval\(|new Function", text)
    assert not re.search(r"\(\?<[=!]", text)  # browsers that don't know lookbehind would refuse the whole script
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|\bexport\b", text)


@pytest.mark.parametrize("name", SCRIPTS + STYLES)
def test_an_asset_is_in_the_page_and_names_no_address_elsewhere(name: str) -> None:
    assert PAGE.count(f'"assets/{name}?') == 1
    addresses = set(re.findall(r"https?://[^\s'\"]*", ASSETS[name]))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in ASSETS[name]
    assert "url(" not in ASSETS[name]


def test_the_page_loads_only_assets_that_are_there() -> None:
    loaded = re.findall(r'(?:src|href)="assets/([^"?]+)', PAGE)
    assert set(loaded) == set(ASSETS)
    assert loaded[-1] == "start.js"


def test_the_page_allows_no_script_or_style_but_files_of_its_folder() -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', PAGE)
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"<script(?![^>]*\bsrc=)", PAGE)
    assert not re.search(r"\son\w+=|\sstyle=|<style", PAGE)
    assert "<b>" not in PAGE


def test_page_and_assets_weigh_little() -> None:
    assert len(PAGE.encode()) + sum(len(text.encode()) for text in ASSETS.values()) < 250_000
