"""What a daemon keeps from pass to pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.settings import pass_settings
from pipeline.errors import StorageError
from pipeline.runner.execution.session import Session
from tests.workshop import Workshop


def test_the_input_folder_is_looked_at_when_it_is_first_needed_and_then_remembered(workshop: Workshop) -> None:
    session, folder = Session.begin(pass_settings(workshop.config())), workshop.folder / "in"
    folder.rename(workshop.folder / "away")
    with pytest.raises(StorageError, match="is gone"):
        session.input_root(folder)
    assert session.root is None
    (workshop.folder / "away").rename(folder)
    root = session.input_root(folder)
    assert session.input_root(folder) is root


def test_another_output_folder_under_the_same_name_is_noticed(workshop: Workshop, tmp_path: Path) -> None:
    workshop.ledger().close()
    session = Session.begin(pass_settings(workshop.config()))
    session.output.require()
    workshop.out.rename(tmp_path / "away")
    workshop.out.mkdir()
    with pytest.raises(StorageError, match="is not the folder it was"):
        session.output.require()
