"""The command ``gallery``."""

from __future__ import annotations

import os
import re
import webbrowser

import pytest

from pipeline.cli.gallery import open_address
from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


def test_a_bad_config_is_explained(invoke: Invoke, workshop: Workshop) -> None:
    file = config_of(workshop)
    file.write_text("styles: []")
    result = invoke("gallery", file, "--serve")
    assert (result.code, "nothing was done" in result.err) == (2, True)


def test_it_makes_the_gallery_again_and_says_where_it_is(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    page = workshop.out / "gallery" / "index.html"
    result = invoke("gallery", config_of(workshop))
    assert (result.code, result.out, result.err) == (0, f"1 picture in {page}\n", "")
    assert page.is_file()


def test_it_is_made_when_called_although_it_is_switched_off(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "gallery: {enabled: false}\n"
    workshop.photo("a.png")
    workshop.run()
    assert not (workshop.out / "gallery").exists()
    assert invoke("gallery", config_of(workshop)).code == 0
    assert len(list((workshop.out / "gallery" / "thumbs").rglob("*.webp"))) == 1


def test_before_the_first_run_it_says_what_to_do(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("gallery", config_of(workshop))
    assert (result.code, result.out) == (2, "")
    assert "nothing was made here yet; 'stylewatch run" in result.err


def test_a_page_of_the_users_stays(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    page = workshop.out / "gallery" / "index.html"
    page.write_text("mine")
    result = invoke("gallery", config_of(workshop))
    assert (result.code, page.read_text()) == (3, "mine")
    assert "is not stylewatch's and stays as it is; move it away" in result.err


def test_files_of_which_there_is_no_small_copy_are_named(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "gallery: {enabled: false}\n"
    for number in range(7):
        workshop.photo(f"{number}.png", shade=number)
    workshop.run()
    for number in range(7):
        (workshop.out / f"{number}--night.jpg").write_text("edited beyond repair")
    lines = invoke("gallery", config_of(workshop)).err.splitlines()
    assert len(lines) == 6
    assert "--night.jpg: no small copy could be made: " in lines[0]
    assert lines[-1] == "... and 2 more files without one"


def test_the_page_is_opened_by_its_address(capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[str] = []
    open_address("http://127.0.0.1:8765/", lambda address: not opened.append(address))
    assert opened == ["http://127.0.0.1:8765/"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [None, webbrowser.Error("none"), OSError("none")])
def test_without_a_browser_it_says_so(capsys: pytest.CaptureFixture[str], error: Exception | None) -> None:
    def opens(_: str) -> bool:
        if error is not None:
            raise error
        return False

    open_address("http://127.0.0.1:8765/", opens)
    assert (
        capsys.readouterr().err == "stylewatch: no browser was found on this machine; open the page in one yourself\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="a browser's command is a shell script here")
def test_the_browser_gets_the_files_or_the_servers_address(
    invoke: Invoke, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.photo("a.png")
    workshop.run()
    browser, asked = workshop.folder / "browser", workshop.folder / "asked"
    # The second address is the server's, which is ended as by Ctrl-C once it is asked for.
    browser.write_text(f'#!/bin/sh\necho "$1" >> "{asked}"\ncase "$1" in http*) kill -INT {os.getpid()};; esac\n')
    browser.chmod(0o755)
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    assert invoke("gallery", config_of(workshop), "--open").code == 0
    assert invoke("gallery", config_of(workshop), "--serve", "--port", "0", "--open").code == 130
    page, served = asked.read_text().split()
    assert page == (workshop.out / "gallery" / "index.html").as_uri()
    assert re.fullmatch(r"http://127.0.0.1:\d+/", served)


def test_values_to_compare_keep_nobody_from_seeing_the_pictures(invoke: Invoke, workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    path = config_of(workshop)
    path.write_text(workshop.text.replace("scales: 1", "scales: 1, seed: [1, 2]"), encoding="utf-8")
    result = invoke("gallery", path)
    assert result.code == 0
    assert result.out.startswith("1 picture in ")
