"""Checkpoints are there for as long as somebody may go on from them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.hashing import job_key, sha256_of_file
from pipeline.model import JobStarted, Remark, RunEvent
from pipeline.model.gallery_files import GALLERY_FOLDER, live_name
from pipeline.runner.execution.checkpoints import checkpoint_folder, checkpoint_path, tidy_checkpoints
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.preparation import resolve_config
from tests.workshop import Workshop


def key_of(workshop: Workshop, photo: Path) -> str:
    return job_key(sha256_of_file(photo), resolve_config(workshop.config()).settings_sha256["night", "default"])


@pytest.fixture
def folder(workshop: Workshop) -> Path:
    folder = checkpoint_folder(workshop.config().state.folder)
    folder.mkdir(parents=True)
    return folder


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_finished_picture_leaves_no_checkpoint(workshop: Workshop, folder: Path) -> None:
    for number in range(3):
        path = checkpoint_path(folder, key_of(workshop, workshop.photo(f"{number}.png", shade=number)))
        path.write_text("3 1.0")
    # Nothing knows of them before their photos are looked at for the first time.
    with workshop.ledger() as ledger:
        assert ledger.queries.open_keys() == set()
    workshop.run()
    assert left(folder) == []
    assert len(workshop.finished()) == 3


def test_a_stopped_picture_keeps_its_checkpoint_and_goes_on_from_it(workshop: Workshop, folder: Path) -> None:
    for number in range(2):
        workshop.photo(f"{number}.png", shade=number)
    stop_at_once(workshop)
    with workshop.ledger() as ledger:
        (key,) = ledger.queries.open_keys()
    checkpoint_path(folder, key).write_text("3 1.0")
    workshop.run()
    assert any(isinstance(event, Remark) and "after evaluation 3" in event.text for event in workshop.events)
    assert left(folder) == []


def stop_at_once(workshop: Workshop) -> None:
    """Let a pass claim a photo and put it back: its content is on record from then on."""

    def stop(the_pass: SinglePass, event: RunEvent) -> None:
        if isinstance(event, JobStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.run(on_event=stop)


def test_a_start_removes_what_nobody_will_go_on_from(workshop: Workshop, folder: Path) -> None:
    photo = workshop.photo("a.png")
    stop_at_once(workshop)
    wanted = checkpoint_path(folder, key_of(workshop, photo))
    strays = [checkpoint_path(folder, "0" * 64), wanted.with_suffix(".part")]
    for path in (wanted, *strays, folder / "notes.txt", folder / "short.safetensors"):
        path.write_text("1 1.0")
    with workshop.ledger() as ledger:
        tidy_checkpoints(folder, ledger)
    assert left(folder) == sorted([wanted.name, "notes.txt", "short.safetensors"])


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are POSIX")
def test_a_start_removes_what_a_worker_left_that_was_killed_while_it_wrote(workshop: Workshop, folder: Path) -> None:
    script = """
import resource, signal, sys
import torch
from pathlib import Path
from pipeline.engine.transfer.checkpoints import _write
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
_write(Path(sys.argv[1]), "document", {"pixels": torch.zeros(1_000_000)})
"""
    path = checkpoint_path(folder, "1" * 64)
    ended = subprocess.run([sys.executable, "-c", script, path], cwd=Path(__file__).parents[3], check=False)
    assert ended.returncode == -signal.SIGXFSZ
    assert left(folder)
    with workshop.ledger() as ledger:
        tidy_checkpoints(folder, ledger)
    assert left(folder) == []


def test_a_photo_that_changed_has_no_use_for_its_checkpoint(workshop: Workshop, folder: Path) -> None:
    photo = workshop.photo("a.png")
    stop_at_once(workshop)
    checkpoint_path(folder, key_of(workshop, photo)).write_text("3 1.0")
    workshop.photo("a.png", shade=99)
    workshop.run()
    assert len(workshop.finished()) == 1
    assert not any(isinstance(event, Remark) for event in workshop.events)
    workshop.run()
    assert left(folder) == []


def test_without_a_folder_there_is_nothing_to_tidy(workshop: Workshop) -> None:
    with workshop.ledger() as ledger:
        tidy_checkpoints(checkpoint_folder(workshop.config().state.folder), ledger)


def test_without_space_for_them_no_checkpoint_is_used(workshop: Workshop, folder: Path) -> None:
    photo = workshop.photo("a.png")
    stop_at_once(workshop)
    checkpoint_path(folder, key_of(workshop, photo)).write_text("3 1.0")
    workshop.text += "state: {checkpoint_space: 0}\n"
    workshop.run()
    assert not any(isinstance(event, Remark) for event in workshop.events)
    assert len(workshop.finished()) == 1


def test_a_stop_is_told_once_with_the_time_of_grace(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    workshop.text += "state: {grace_seconds: 2.5}\n"
    workshop.run(on_event=lambda the_pass, event: the_pass.stop() if isinstance(event, JobStarted) else None)
    assert [event.text for event in workshop.events if isinstance(event, Remark)] == [
        "stopping: pictures in progress have 2.5 s to finish; the next run resumes the rest"
    ]


def test_pictures_in_progress_that_a_killed_worker_left_in_the_gallery_go_at_the_next_start(
    workshop: Workshop,
) -> None:
    live = workshop.out / GALLERY_FOLDER / live_name("0123abcd")
    live.parent.mkdir(parents=True)
    live.touch()
    workshop.run()
    assert not live.exists()
