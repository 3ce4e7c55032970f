"""A folder with paintings, and a way to load a config written there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import Config, load_config
from pipeline.errors import ConfigError

Load = Callable[[str], Config]
Problems = Callable[[str], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder (no symlinks on its path) with three paintings."""
    folder = tmp_path.resolve()
    (folder / "paintings").mkdir()
    for name in ("starry_night.jpg", "great_wave.jpg", "the scream.jpg"):
        (folder / "paintings" / name).touch()
    return folder


@pytest.fixture
def load(folder: Path) -> Load:
    """Write a config's text beside the paintings and load it."""

    def load_text(text: str) -> Config:
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        return load_config(folder / "config.yaml")

    return load_text


@pytest.fixture
def problems(load: Load) -> Problems:
    """Load a config's text and return what is said about it: ``WHERE: MESSAGE``."""

    def problems_of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text)
        return [f"{problem.where}: {problem.message}" for problem in caught.value.problems]

    return problems_of
