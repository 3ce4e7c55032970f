"""Pictures that are made again, by their recipe or by another one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from pipeline.config.settings import ingest_settings
from pipeline.errors import UsageError
from pipeline.model import Job
from pipeline.runner.corrections.redo import RecipeChange, Redone, redo
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import ResolvedConfig, resolve_config
from tests.runner.corrections.test_reject import rejected
from tests.workshop import CONFIG, Workshop, know_the_machine

TWO_RECIPES = CONFIG + "  mild: {size: 40, scales: 1}\n"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path, TWO_RECIPES)
    workshop.photo("a.png", shade=1)
    workshop.photo("sub/b.png", shade=2)
    assert workshop.run().finished == 2
    return workshop


def again(workshop: Workshop, *outputs: str) -> Redone:
    with workshop.ledger() as ledger:
        return redo(ledger, [picture for picture in ledger.pictures.all() if picture.output in outputs])


def by_recipe(workshop: Workshop, recipe: str, *outputs: str) -> Redone:
    config = workshop.config()
    with workshop.ledger() as ledger:
        change = RecipeChange(ledger, resolve_config(config), "jpeg", config.output.on_change, workshop.out)
        return change.apply([picture for picture in ledger.pictures.all() if picture.output in outputs], recipe)


def names(pictures: object) -> list[str]:
    return [picture.output for picture in pictures]  # type: ignore[attr-defined]


def test_only_what_is_named_is_made_again_in_its_place(workshop: Workshop) -> None:
    before = (workshop.out / "a--night.jpg").stat().st_ino
    assert names(again(workshop, "a--night.jpg").again) == ["a--night.jpg"]
    assert workshop.plan().reasons == {"asked for again": 1}
    assert (workshop.out / "a--night.jpg").exists(), "the old one stays until there is a new one"
    assert names(again(workshop, "a--night.jpg").waiting) == ["a--night.jpg"]
    assert workshop.run().finished == 1
    assert (workshop.out / "a--night.jpg").stat().st_ino != before
    assert workshop.pictures() == ["a--night.jpg", "sub/b--night.jpg"]


def test_deleted_and_failed_ones_are_made_again_too(workshop: Workshop) -> None:
    workshop.photo("c.png", "diverges")
    (workshop.out / "a--night.jpg").unlink()
    workshop.run()
    assert names(again(workshop, "a--night.jpg", "c--night.jpg").again) == ["a--night.jpg", "c--night.jpg"]
    assert workshop.run().finished == 1


def test_without_its_photo_none_is_made_again(workshop: Workshop) -> None:
    (workshop.folder / "in" / "a.png").unlink()
    workshop.run()
    done = again(workshop, "a--night.jpg")
    assert done.again == []
    assert "can't be made again while its photo is not in the input folder" in done.refused[0][1]


def test_one_that_the_config_does_not_ask_for_is_refused(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("{name: night,", "{name: day,")
    workshop.run()
    assert "is not asked for by the config any more" in again(workshop, "a--night.jpg").refused[0][1]
    assert (
        "it wants no picture of a.png in that style" in by_recipe(workshop, "default", "a--night.jpg").refused[0][1]
    )


def test_another_recipe_is_wanted_from_then_on(workshop: Workshop) -> None:
    done = by_recipe(workshop, "mild", "a--night.jpg")
    assert (names(done.again), done.replaced) == (["a--night--mild.jpg"], ["a--night.jpg"])
    assert names(again(workshop, "a--night--mild.jpg").waiting) == ["a--night--mild.jpg"]
    for made in (1, 0):
        assert workshop.run().finished == made
    assert workshop.pictures() == ["a--night--mild.jpg", "a--night.jpg", "sub/b--night.jpg"]
    with workshop.ledger() as ledger:
        assert ledger.recipe_choices.all() == {Job("a.png", "night", "default"): "mild"}
    assert workshop.plan().chosen == 1


def test_the_recipe_of_the_config_undoes_it_without_work(workshop: Workshop) -> None:
    by_recipe(workshop, "mild", "a--night.jpg")
    workshop.run()
    done = by_recipe(workshop, "default", "a--night--mild.jpg")
    assert (names(done.there), names(done.again)) == (["a--night.jpg"], [])
    assert workshop.run().finished == 0
    assert workshop.plan().chosen == 0
    assert names(by_recipe(workshop, "mild", "a--night.jpg").there) == ["a--night--mild.jpg"]


def test_a_picture_in_whose_stead_several_are_named_is_wanted_once(workshop: Workshop) -> None:
    by_recipe(workshop, "mild", "a--night.jpg")
    workshop.run()
    done = by_recipe(workshop, "mild", "a--night.jpg", "a--night--mild.jpg")
    assert (names(done.there), done.replaced) == (["a--night--mild.jpg"], ["a--night.jpg"])


def test_the_choice_can_be_changed_by_either_picture(workshop: Workshop) -> None:
    workshop.text = TWO_RECIPES + "  wild: {size: 32, scales: 1}\n"
    by_recipe(workshop, "mild", "a--night.jpg")
    assert names(by_recipe(workshop, "wild", "a--night--mild.jpg").again) == ["a--night--wild.jpg"]
    assert names(by_recipe(workshop, "mild", "a--night.jpg").again) == ["a--night--mild.jpg"]
    with workshop.ledger() as ledger:
        assert ledger.recipe_choices.all() == {Job("a.png", "night", "default"): "mild"}


def test_a_rejected_picture_comes_back_by_its_recipe(workshop: Workshop) -> None:
    by_recipe(workshop, "mild", "a--night.jpg")
    workshop.run()
    rejected(workshop, "a--night--mild.jpg", "a--night.jpg")
    assert names(by_recipe(workshop, "default", "a--night--mild.jpg").again) == ["a--night.jpg"]
    assert workshop.run().finished == 1


def test_a_choice_of_a_recipe_that_is_gone_does_not_count(workshop: Workshop) -> None:
    by_recipe(workshop, "mild", "a--night.jpg")
    workshop.run()
    workshop.text = CONFIG
    assert workshop.run().finished == 0
    with workshop.ledger() as ledger:
        states = {picture.output: picture.state.value for picture in ledger.pictures.all()}
    assert states == {"a--night.jpg": "done", "a--night--mild.jpg": "withdrawn", "sub/b--night.jpg": "done"}


def test_an_unknown_recipe_is_bad_usage(workshop: Workshop) -> None:
    with pytest.raises(UsageError, match="there is no recipe 'milder'; the config has default, mild"):
        by_recipe(workshop, "milder", "a--night.jpg")


def test_of_several_recipes_the_picture_says_which_one_is_meant(workshop: Workshop) -> None:
    workshop.text = TWO_RECIPES.replace("painting: night.jpg", "painting: night.jpg, recipes: [default, mild]")
    workshop.text += "  wild: {size: 32, scales: 1}\n"
    workshop.run()
    assert names(by_recipe(workshop, "wild", "a--night--mild.jpg").again) == ["a--night--wild.jpg"]
    workshop.run()
    with workshop.ledger() as ledger:
        wanted = sorted(p.output for p in ledger.pictures.all() if p.is_wanted and p.job.photo == "a.png")
    assert wanted == ["a--night--wild.jpg", "a--night.jpg"]


def test_how_long_it_takes_follows_from_what_was_measured_here(workshop: Workshop) -> None:
    know_the_machine()
    done = again(workshop, "a--night.jpg", "sub/b--night.jpg")
    config = workshop.config()
    with workshop.ledger() as ledger:
        assert done.seconds(ledger, config.engine_settings(), resolve_config(config)) is not None


class ChoiceMeanwhile(ResolvedConfig):
    """Lets 'redo' choose a recipe between a program's reading of the choices and its record of the jobs."""

    __slots__ = ()
    workshop: ClassVar[Workshop]
    left: ClassVar[int] = 1

    def jobs_of(self, photos: Iterable[str], choices: Mapping[Job, str]) -> Iterator[Job]:
        if self.left:
            type(self).left -= 1
            by_recipe(self.workshop, "mild", "a--night.jpg")
        return ResolvedConfig.jobs_of(self, photos, choices)


def test_a_choice_that_comes_while_a_program_records_all_jobs_is_not_undone(workshop: Workshop) -> None:
    config = workshop.config()
    resolved, ChoiceMeanwhile.workshop = resolve_config(config), workshop
    values = {each.name: getattr(resolved, each.name) for each in dataclasses.fields(resolved)}
    with workshop.ledger() as ledger:
        ingest(ingest_settings(config), ChoiceMeanwhile(**values), ledger, sleep=lambda _: None)
        wanted = sorted(picture.output for picture in ledger.pictures.all() if picture.is_wanted)
    assert wanted == ["a--night--mild.jpg", "sub/b--night.jpg"]
