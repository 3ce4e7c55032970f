"""Configs that work on each other's pictures: a chain is fine, a circle is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config.settings import folder_settings
from pipeline.errors import CannotRunError
from pipeline.model import FolderSettings
from pipeline.runner.instance.feedback_loops import require_no_feedback_loop
from tests.workshop import CONFIG, Workshop

ROOT = Path(__file__).parents[3]


def config(folder: Path, photos: str, pictures: str) -> FolderSettings:
    text = CONFIG.replace("folder: in,", f"folder: {photos},").replace("folder: out,", f"folder: {pictures},")
    return folder_settings(Workshop(folder, text).config())


def opened(folder: Path, photos: str, pictures: str) -> None:
    """Leave the ledger of a config that worked once."""
    text = CONFIG.replace("folder: in,", f"folder: {photos},").replace("folder: out,", f"folder: {pictures},")
    Workshop(folder, text).ledger().close()


def test_one_config_goes_in_no_circle(tmp_path: Path) -> None:
    opened(tmp_path, "in", "out")
    require_no_feedback_loop(config(tmp_path, "in", "out"))


def test_a_chain_is_fine(tmp_path: Path) -> None:
    opened(tmp_path, "a", "b")
    opened(tmp_path, "b", "c")
    require_no_feedback_loop(config(tmp_path, "a", "b"))
    require_no_feedback_loop(config(tmp_path, "b", "c"))
    require_no_feedback_loop(config(tmp_path, "c", "d"))


@pytest.mark.parametrize("photos", ["b", "b/night", "b/night/2024"])
def test_two_that_feed_each_other_are_refused_in_a_sentence(tmp_path: Path, photos: str) -> None:
    opened(tmp_path, "a", "b")
    with pytest.raises(CannotRunError) as caught:
        require_no_feedback_loop(config(tmp_path, photos, "a"))
    folder = tmp_path.resolve()
    for path in (folder / photos, folder / "a", folder / "b" / ".stylewatch" / "ledger.sqlite3"):
        assert str(path) in str(caught.value)


def test_three_in_a_circle_are_refused(tmp_path: Path) -> None:
    opened(tmp_path, "a", "b")
    opened(tmp_path, "b", "c")
    with pytest.raises(CannotRunError, match="without end"):
        require_no_feedback_loop(config(tmp_path, "c", "a"))


def test_a_circle_beside_does_not_keep_it_from_looking(tmp_path: Path) -> None:
    opened(tmp_path, "a", "b")
    opened(tmp_path, "b", "a")
    require_no_feedback_loop(config(tmp_path, "b", "c"))


def test_a_database_that_is_no_ledger_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "b" / ".stylewatch").mkdir(parents=True)
    (tmp_path / "b" / ".stylewatch" / "ledger.sqlite3").write_text("this is no database" * 100)
    require_no_feedback_loop(config(tmp_path, "b", "a"))


@pytest.mark.parametrize("command", ["run", "watch"])
def test_the_program_refuses_it_before_anything_is_made(tmp_path: Path, command: str) -> None:
    opened(tmp_path, "a", "b")
    config(tmp_path, "b", "a")
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", command, str(tmp_path / "stylewatch.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == CannotRunError.exit_code
    assert ended.stderr.startswith("stylewatch: input.folder: the photos in ")
