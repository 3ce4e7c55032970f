"""How long the waiting pictures take, as far as the ledger knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.config.settings import ingest_settings
from pipeline.engine.speed import FORWARD, network_pixels
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.planning.backlog import backlog_seconds, estimate_work
from pipeline.runner.planning.forecast import TYPICAL_EVALUATIONS
from pipeline.runner.preparation import resolve_config
from tests.fakes import write_photo
from tests.workshop import SPEED, Workshop


def take_in_photos(workshop: Workshop, first: int, count: int) -> None:
    for number in range(first, first + count):
        workshop.photo(f"{number}.png", shade=number)
    config = workshop.config()
    with workshop.ledger() as ledger:
        ingest(ingest_settings(config), resolve_config(config), ledger)


def seconds(workshop: Workshop, speed: object = SPEED) -> float | None:
    with workshop.ledger() as ledger:
        return backlog_seconds(ledger, workshop.config().recipes_by_name(), speed)  # type: ignore[arg-type]


def test_no_picture_takes_no_time_on_any_machine(workshop: Workshop) -> None:
    assert seconds(workshop) == seconds(workshop, None) == 0.0


def test_pictures_of_a_new_recipe_take_what_the_machine_needs_for_them(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("scales: 1}", "scales: 1, style_loss: gram}")
    take_in_photos(workshop, 0, 2)
    each = network_pixels(48, 0.7) * 1e-6 * (TYPICAL_EVALUATIONS["lbfgs"] + FORWARD)
    assert seconds(workshop) == pytest.approx(SPEED.startup_seconds + 2 * each)
    assert seconds(workshop, None) is None


def test_they_take_as_long_as_those_before(workshop: Workshop) -> None:
    take_in_photos(workshop, 0, 2)
    workshop.run()
    took = sum(event.artwork.seconds for event in workshop.finished() if event.artwork is not None)
    take_in_photos(workshop, 2, 6)
    assert seconds(workshop, None) == pytest.approx(3 * took)


def test_pictures_in_work_count_and_those_of_a_lost_recipe_do_not(workshop: Workshop) -> None:
    take_in_photos(workshop, 0, 2)
    with workshop.ledger() as ledger:
        ledger.leases.claim(1, "name")
        assert [waiting.pictures for waiting in ledger.queries.backlog()] == [2]
        assert backlog_seconds(ledger, {}, SPEED) == 0.0


def test_where_photos_decide_the_size_some_of_them_are_looked_at(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48, scales: 1}", "size: original, scales: 1, style_loss: gram}")
    write_photo(workshop.folder / "in" / "a.png", size=(64, 64))
    write_photo(workshop.folder / "in" / "b.png", size=(128, 128))
    take_in_photos(workshop, 0, 0)
    config = workshop.config()
    settings = replace(config.engine_settings(), machine_folder=None)
    with workshop.ledger() as ledger:
        found = estimate_work(ledger, settings, resolve_config(config), {"default": 2}, config.input.folder)
        typical = estimate_work(ledger, settings, resolve_config(config), {"default": 2})
    estimate = found.recipes["default"]
    assert estimate.alone_seconds < typical.recipes["default"].alone_seconds / 100
    assert len(estimate.evaluations) == len(estimate.shares) == 1
