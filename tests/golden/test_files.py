"""What version 0.1.0 left behind is used on: nothing is made again, computed again or restarted."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from pipeline.config import load_config
from pipeline.engine import ENGINE_VERSION
from pipeline.engine.cpu.calibration import machine
from pipeline.engine.events import Finished, Resumed
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.checkpoints import Checkpoints, _checksum
from pipeline.engine.transfer.target_cache import StyleCache, TargetKey
from pipeline.engine.transfer.targets import StyleTargets
from pipeline.errors import LedgerError
from pipeline.hashing import job_key, sha256_of_file, weights_id
from pipeline.images.encode import read_provenance
from pipeline.ledger import Ledger
from pipeline.model import (
    EngineSettings,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    Progress,
    RunStarted,
    WeightsChoice,
)
from pipeline.report.heartbeat import read_heartbeat
from pipeline.report.journal import Journal
from pipeline.report.summary import Summary
from pipeline.runner.preparation import resolve_config
from tests.engine.scheduler.test_stylizer import Source
from tests.golden import subjects
from tests.images.pictures import PROVENANCE, written
from tests.images.test_encode import opened
from tests.workshop import Workshop

OLD = subjects.FOLDER / "0.1.0"


def recorded(name: str) -> Any:
    return json.loads((OLD / name).read_text(encoding="utf-8"))


# --- The ledger ---------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Workshop:
    """Return the folder that the old version worked on; to a scan, all photos are touched ones."""
    shutil.copytree(OLD / "tree", tmp_path / "tree")
    return Workshop(tmp_path / "tree", (OLD / "tree" / "stylewatch.yaml").read_text(encoding="utf-8"))


def pictures_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}


def test_a_folder_that_is_done_stays_done(tree: Workshop) -> None:
    before = pictures_in(tree.out)
    for looked_at_again in (1, 0):  # the bad photo, as it was touched
        over = tree.run()
        assert (over.finished, over.copied, over.failed, over.left) == (0, 0, 0, 0)
        assert over.photos_set_aside == looked_at_again
        assert not any(isinstance(event, JobStarted | JobFinished | JobFailed) for event in tree.events)
    assert pictures_in(tree.out) == before
    with tree.ledger() as ledger:
        assert subjects.rows_of(ledger) == recorded("tree.json")


def test_each_picture_bears_the_key_that_is_computed_today(tree: Workshop) -> None:
    settings = resolve_config(tree.config()).settings_sha256
    rows = [row for row in recorded("tree.json") if row[3] == "done"]
    assert len(rows) == 9
    for photo, style, recipe, _, key, output, sha256 in rows:
        assert key == job_key(sha256_of_file(tree.folder / "in" / photo), settings[style, recipe])
        assert sha256_of_file(tree.out / output) == sha256
        provenance = read_provenance(tree.out / output)
        assert provenance is not None
        assert (provenance["key"], provenance["style"], provenance["recipe"]) == (key, style, recipe)


def test_a_new_copy_of_a_photo_gets_a_copy_of_its_old_picture(tree: Workshop) -> None:
    shutil.copy(tree.folder / "in" / "sub" / "b.png", tree.folder / "in" / "new.png")
    over = tree.run()
    assert (over.finished, over.copied, over.left) == (0, 3, 0)


def test_a_changed_recipe_makes_its_pictures_again_and_they_can_be_kept(tree: Workshop) -> None:
    """The old ledger does not say what the settings were made of, but which pictures are of other settings."""
    before = pictures_in(tree.out)
    tree.text = tree.text.replace("size: 48", "size: 40").replace("out,", "out, on_change: keep,")
    assert "size: 40" in tree.text
    assert tree.run().left == 0
    assert pictures_in(tree.out) == before
    tree.text = tree.text.replace(" on_change: keep,", "")
    assert tree.run().finished > 0
    (started,) = (event for event in tree.events if isinstance(event, RunStarted))
    assert set(started.reasons) == {"settings changed"}
    assert sum(started.reasons.values()) == started.again == started.jobs


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript((OLD / "ledger.sql").read_text(encoding="utf-8"))
    connection.close()
    return file


def test_every_state_of_a_job_is_what_it_was(ledger_file: Path) -> None:
    with Ledger.to_read(ledger_file, "in") as ledger:
        assert subjects.rows_of(ledger) == recorded("ledger.json")
    with Ledger.open(ledger_file, "in") as ledger:
        assert subjects.rows_of(ledger) == recorded("ledger.json")
        assert ledger.queries.counts() == dict.fromkeys(JobState, 1)
        assert [(row.job.photo, row.attempts, row.reason) for row in ledger.queries.failures()] == [
            ("failed.jpg", 1, "the loss became nan"),
            ("given up.jpg", 1, "the loss became nan"),
        ]
        assert [lease.job.photo for lease in ledger.leases.all()] == ["in work.jpg"]
        assert [claim.job.photo for claim in ledger.leases.claim(9, "name")] == ["waiting.jpg"]


def test_a_ledger_of_a_later_version_is_refused_and_left_as_it_is(tree: Workshop) -> None:
    file = tree.out / ".stylewatch" / "ledger.sqlite3"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = file.read_bytes()
    for opened_by in (Ledger.open, Ledger.to_read, Ledger.rehearsal):
        with pytest.raises(LedgerError, match="update stylewatch") as refused:
            opened_by(file, "../in")
        assert refused.value.exit_code == 3
    assert file.read_bytes() == before


# --- The style cache ----------------------------------------------------------------------------------------


@pytest.fixture
def styles(tmp_path: Path) -> StyleCache:
    shutil.copytree(OLD / "styles", tmp_path / "styles")
    return StyleCache(tmp_path / "styles", 10**9)


def test_a_target_is_found_under_the_key_that_is_computed_today(styles: StyleCache) -> None:
    (file,) = styles.folder.iterdir()
    with safetensors.safe_open(file, framework="np") as stored:
        written = json.loads(stored.metadata()["key"])
    key = TargetKey(**written | {"layers": tuple(written["layers"])})
    assert f"{key.digest()}.safetensors" == file.name
    found = styles.read(key)
    assert found is not None
    assert sorted(found) == ["relu1_1.mean", "relu1_1.second", "relu1_2.mean", "relu1_2.second"]
    assert [(entry.size, entry.layers) for entry in styles.entries()] == [(40, subjects.TARGET_LAYERS)]


def test_a_target_is_read_and_not_computed(styles: StyleCache) -> None:
    def target(cache: StyleCache | None) -> Any:
        targets = StyleTargets(
            lambda *_: subjects.pixels(),
            cache,
            weights_id=weights_id(WeightsChoice()),
            precision=subjects.PRECISION,
            device=torch.device("cpu"),
        )
        return targets.of(subjects.TARGET_STYLE, subjects.TARGET_SIZE, network, subjects.TARGET_LAYERS)

    network = Network(load_weights(WeightsChoice()), subjects.TARGET_LAYERS)
    kept, computed = target(styles), target(None)
    # An engine that gives other pixels looks at paintings anew; the old files are left for the old one.
    assert (kept.hits, kept.misses) == ((1, 0) if ENGINE_VERSION == "2" else (0, 1))
    assert kept.notes == []
    for layer in subjects.TARGET_LAYERS:
        torch.testing.assert_close(kept.moments[layer].second, computed.moments[layer].second)


# --- Checkpoints --------------------------------------------------------------------------------------------
# A checkpoint is refused on another machine or by another PyTorch, where resuming would change the picture. So the
# golden file is read by an engine that says to be the one that wrote it, or said to be written by the present one.


def origin_of(file: Path) -> dict[str, str]:
    with safetensors.safe_open(file, framework="np") as stored:
        return dict(json.loads(stored.metadata()["document"])["origin"])


def test_a_picture_is_resumed_from_its_checkpoint() -> None:
    file = OLD / "checkpoint.safetensors"
    environment = {name: value for name, value in origin_of(file).items() if name not in ("format", "picture")}
    checkpoints = Checkpoints(environment, weights_id(WeightsChoice()), torch.device("cpu"))
    canvas, resumed = checkpoints.begin(subjects.request(file))
    assert canvas.notes == [f"resumed from a checkpoint at evaluation {subjects.EVALUATIONS_KEPT} of 7 at 32 px"]
    assert resumed == Resumed(
        token="t", size=32, iteration=subjects.EVALUATIONS_KEPT, iterations=7, evaluations=4, seconds=7.0
    )
    stored = safetensors.torch.load_file(file)
    assert torch.equal(canvas.state.pixels, stored["state.pixels"])
    assert torch.equal(canvas.state.optimizer.point, stored["state.optimizer.point"])
    assert canvas.state.losses.total < canvas.state.first.total


def test_its_machine_names_the_same_things_as_ever() -> None:
    assert sorted(origin_of(OLD / "checkpoint.safetensors")) == sorted({*machine(), "device", "format", "picture"})


def test_only_the_rest_of_it_is_computed(tmp_path: Path) -> None:
    stylizer = Stylizer(EngineSettings(device="cpu", threads=1), lambda *_: subjects.pixels())
    here = tmp_path / "checkpoint.safetensors"
    _as_if_written_by(stylizer, here)
    events = list(stylizer.run(Source([subjects.request(here)])))
    assert [event.iteration for event in events if isinstance(event, Progress)] == [5, 6, 7]
    (finished,) = (event for event in events if isinstance(event, Finished))
    assert finished.iterations == (7,)
    assert np.isfinite(finished.pixels).all()


def _as_if_written_by(stylizer: Stylizer, target: Path) -> None:
    """Write the old checkpoint as the present machine would have written it; its picture's identity stays."""
    source = OLD / "checkpoint.safetensors"
    with safetensors.safe_open(source, framework="np") as stored:
        document = json.loads(stored.metadata()["document"])
    document["origin"] |= stylizer._checkpoints._environment
    tensors, text = safetensors.torch.load_file(source), json.dumps(document)
    safetensors.torch.save_file(tensors, target, {"document": text, "checksum": _checksum(text, tensors)})


# --- The config ---------------------------------------------------------------------------------------------


def test_every_setting_means_what_it_meant(tmp_path: Path) -> None:
    shutil.copytree(OLD / "config", tmp_path / "config")
    config = load_config(tmp_path / "config" / "every_setting.yaml")
    assert subjects.is_part_of(recorded("config/values.json"), subjects.values_of(config, tmp_path / "config"))


# --- Pictures, journal, report, heartbeat --------------------------------------------------------------------


@pytest.mark.parametrize("picture_format", ["jpeg", "png", "webp", "tiff"])
def test_the_provenance_in_a_picture_is_read(picture_format: str) -> None:
    assert read_provenance(OLD / f"picture.{picture_format}") == {
        "style": PROVENANCE.style,
        "recipe": PROVENANCE.recipe,
        "program": PROVENANCE.program,
        "key": PROVENANCE.key,
        "written": PROVENANCE.written,
    }


def test_the_same_words_are_written_today(tmp_path: Path) -> None:
    written(tmp_path / "picture.png", "png")
    old, new = (opened(folder / "picture.png").info for folder in (OLD, tmp_path))
    assert (new["stylewatch"], new["Software"]) == (old["stylewatch"], old["Software"])


def test_the_journal_says_all_that_it_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", 0, 0, lambda: subjects.NOON)
    for event in subjects.every_event():
        journal(event)
    journal.close()
    old, new = (
        [json.loads(line) for line in (folder / "journal.jsonl").read_text("ascii").splitlines()]
        for folder in (OLD, tmp_path)
    )
    assert subjects.is_part_of(old, new)


def report_of_today(folder: Path) -> Path:
    summary = Summary(folder, lambda: subjects.NOON)
    for event in subjects.every_event():
        summary(event)
    assert summary.folder is not None
    return summary.folder


def test_the_report_says_all_that_it_said_and_its_table_has_new_columns_last(tmp_path: Path) -> None:
    folder = report_of_today(tmp_path)
    recorded_report = json.loads((subjects.FOLDER / "report-2" / "report.json").read_text("ascii"))
    assert subjects.is_part_of(recorded_report, json.loads((folder / "report.json").read_text("ascii")))
    for before in (OLD, subjects.FOLDER / "report-2"):
        old, new = (rows_of_table(folder / "report.csv") for folder in (before, folder))
        seconds = old[0].index("seconds")
        for row in old:
            row[seconds] = row[seconds].replace("12.34", "12.3")  # by which one digit is enough
        assert [row[: len(old[0])] for row in new] == old


def test_what_the_first_version_of_the_report_said_stands_under_names_that_say_of_what(tmp_path: Path) -> None:
    old, new = recorded("report.json"), json.loads((report_of_today(tmp_path) / "report.json").read_text("ascii"))
    names = {
        "photos": "photos_found",
        "jobs": "pictures_to_make",
        "done": "pictures_done_before",
        "finished": "pictures_made",
        "copied": "pictures_copied",
        "failed": "pictures_failed",
        "left": "pictures_left",
        "counts": "pictures_by_state",
    }
    assert (old.get("version", 1), new["version"]) == (1, 2)
    assert subjects.is_part_of({names.get(name, name): value for name, value in old["run"].items()}, new["run"])
    assert not set(names) & set(new["run"]), "none of them is to be mistaken for what it was"
    for row in old["jobs"]:
        row["seconds"] = row["seconds"] and round(row["seconds"], 1)
    assert subjects.is_part_of(old["jobs"], new["pictures"])


def rows_of_table(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_the_heartbeat_of_a_daemon_that_was_not_restarted_yet_is_understood() -> None:
    sign = read_heartbeat(OLD)
    assert sign is not None
    assert (sign.pid, sign.host, sign.command, sign.activity) == (
        4321,
        "somewhere",
        "stylewatch watch my.yaml",
        "painting",
    )
    assert [picture.photo for picture in sign.pictures] == ["zoo/lion.jpg"]
