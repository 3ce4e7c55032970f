"""Makes the golden files of this version of the program: ``python -m tests.golden.make``.

They show that later versions go on with what this one left behind, so they are made once for a version, by that
version, and never again: this refuses to touch a folder that is there.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any, Final

import torch

from pipeline import __version__
from pipeline.config import json_schema, load_config
from pipeline.config.yaml_source import read_document
from pipeline.engine.events import CheckpointReady, RunControl
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.target_cache import StyleCache
from pipeline.engine.transfer.targets import StyleTargets
from pipeline.hashing import job_key, settings_sha256, weights_id
from pipeline.model import EngineSettings, JobState, Progress, WeightsChoice
from pipeline.report.heartbeat import Heartbeat
from pipeline.report.journal import Journal
from pipeline.report.summary import Summary
from tests.engine.scheduler.test_stylizer import Source
from tests.fakes import write_painting
from tests.golden import subjects
from tests.images.pictures import written
from tests.ledger.conftest import House, photo, wanted
from tests.report import events
from tests.test_configs import key_of, keys_of_schema
from tests.workshop import Workshop


def make(folder: Path) -> None:
    """Make all golden files of this version in ``folder``, which is not there yet."""
    folder.mkdir()
    for part in (config, *PARTS):
        part(folder)


def keys(folder: Path) -> None:
    """Write the keys of many styles and recipes, with all that they are made from."""
    (folder / "weights.pth").write_bytes(b"the content of a weights file")
    cases = [dict(case) for case in subjects.CASES]
    for case in cases:
        weights = weights_id(WeightsChoice(**subjects.weights_in(case, folder)))
        case["settings"] = settings_sha256(subjects.style_in(case), subjects.recipe_in(case), weights)
        case["key"] = job_key(subjects.PHOTO_SHA256, case["settings"])
    write_json(folder / "keys.json", cases)


def config(folder: Path) -> None:
    """Write what a config with every setting means."""
    shutil.copytree(subjects.SOURCES / "config", folder / "config")
    for name in ("one.jpg", "two.jpg"):
        write_painting(folder / "config" / "paintings" / name)
    path = folder / "config" / "every_setting.yaml"
    used = {
        key_of(location) for location in read_document(path).positions if location and isinstance(location[-1], str)
    }
    missing = set(keys_of_schema(json_schema())) - used
    assert not missing, f"{path.name} does not use {sorted(missing)}"
    write_json(folder / "config" / "values.json", subjects.values_of(load_config(path), path.parent))


def tree(folder: Path) -> None:
    """Work on a small folder: pictures that are done and copied, a bad photo, a style that is dropped."""
    shutil.copytree(subjects.SOURCES / "tree", folder / "tree")
    text = (folder / "tree" / "stylewatch.yaml").read_text(encoding="utf-8")
    workshop = Workshop(folder / "tree", text)
    write_painting(folder / "tree" / "wave.jpg", (20, 90, 200))
    workshop.photo("a.png", shade=1)
    workshop.photo("sub/b.png", shade=2)
    shutil.copy(folder / "tree" / "in" / "a.png", folder / "tree" / "in" / "twin of a.png")
    (folder / "tree" / "in" / "bad.jpg").write_bytes(b"no photo")
    workshop.text = text.replace("\nrecipes:", "\n  - {name: dropped, painting: wave.jpg, scale: 2}\nrecipes:")
    workshop.run()
    workshop.text = text
    workshop.run()
    with workshop.ledger() as book:
        assert all(
            book.queries.counts()[state] for state in (JobState.DONE, JobState.QUARANTINED, JobState.WITHDRAWN)
        )
        write_json(folder / "tree.json", subjects.rows_of(book))


def ledger(folder: Path) -> None:
    """Write a ledger with jobs in every state, as SQL."""
    file = folder / "ledger.sqlite3"
    house = House(file)
    photos = ("done.jpg", "dropped.jpg", "failed.jpg", "given up.jpg", "in work.jpg", "waiting.jpg")
    house.done(*photos[:2])
    house.scan(*map(photo, photos))
    house.want(*(wanted(each) for each in photos if each != "dropped.jpg"))
    by_photo = {claim.job.photo: claim for claim in house.ledger.leases.claim(3, "name")}
    failure = {"reason": "the loss became nan", "costs_attempt": True}
    house.ledger.leases.fail(by_photo["failed.jpg"].token, **failure, max_attempts=3, delay_seconds=60.0)
    house.ledger.leases.fail(by_photo["given up.jpg"].token, **failure, max_attempts=1)
    house.ledger.leases.start(by_photo["in work.jpg"].token)
    write_json(folder / "ledger.json", subjects.rows_of(house.ledger))
    house.ledger.close()
    dump(file, folder / "ledger.sql")
    file.unlink()


def dump(file: Path, target: Path) -> None:
    """Write a database as the statements that make it."""
    connection = sqlite3.connect(file)
    names = ("application_id", "user_version")
    numbers = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    lines = [f"PRAGMA {name} = {number};" for name, number in zip(names, numbers, strict=True)]
    target.write_text("\n".join([*lines, *connection.iterdump()]) + "\n", encoding="utf-8")
    connection.close()


def style_cache(folder: Path) -> None:
    """Compute the target of a small painting with the real network."""
    targets = StyleTargets(
        lambda *_: subjects.pixels(),
        StyleCache(folder / "styles", 10**9),
        weights_id=weights_id(WeightsChoice()),
        precision=subjects.PRECISION,
        device=torch.device("cpu"),
    )
    network = Network(load_weights(WeightsChoice()), subjects.TARGET_LAYERS)
    targets.of(subjects.TARGET_STYLE, subjects.TARGET_SIZE, network, subjects.TARGET_LAYERS)


def checkpoint(folder: Path) -> None:
    """Work on a small picture with the real network, and stop early."""
    stylizer = Stylizer(EngineSettings(device="cpu", threads=1), lambda *_: subjects.pixels())
    steps: list[Progress] = []
    control = RunControl(suspend=lambda: len(steps) == subjects.EVALUATIONS_KEPT)
    for event in stylizer.run(Source([subjects.request(None)]), control):
        steps += [event] if isinstance(event, Progress) else []
        if isinstance(event, CheckpointReady):
            event.save(folder / "checkpoint.safetensors", 7.0)


def picture(folder: Path) -> None:
    """Write a picture in each format, with its provenance."""
    for picture_format in ("jpeg", "png", "webp", "tiff"):
        written(folder / f"picture.{picture_format}", picture_format)


def reports(folder: Path) -> None:
    """Tell one of every event to the journal and the report."""
    journal = Journal(folder / "journal.jsonl", 0, 0, lambda: subjects.NOON)
    summary = Summary(folder / "reports", lambda: subjects.NOON)
    for event in subjects.every_event():
        journal(event)
        summary(event)
    journal.close()
    assert summary.folder is not None
    for file in summary.folder.iterdir():
        file.rename(folder / file.name)
    shutil.rmtree(folder / "reports")


def heartbeat(folder: Path) -> None:
    """Tell how a picture is being made."""
    writer = Heartbeat(folder, "stylewatch watch my.yaml", clock=lambda: 100.0, now=lambda: subjects.NOON.timestamp())
    writer(events.started())
    writer(events.begun())
    writer.remove()
    write_json(folder / "heartbeat.json", writer._fields() | {"host": "somewhere", "pid": 4321})


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` for people to read, too."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


PARTS: Final = (keys, tree, ledger, style_cache, checkpoint, picture, reports, heartbeat)

if __name__ == "__main__":
    make(Path(__file__).parent / __version__)
