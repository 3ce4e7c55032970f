from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.hashing import sha256_of_file
from pipeline.model import Job, Recipe
from pipeline.runner.planning import GUESSED_SECONDS_PER_PIXEL, Outlook, expected_work, in_words, look_ahead
from pipeline.runner.preparation import prepare
from pipeline.runner.taking_in import take_in
from tests.workshop import Workshop

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "about 1 second"),
        (1.4, "about 1 second"),
        (89.4, "about 89 seconds"),
        (90.0, "about 2 minutes"),
        (89.4 * 60, "about 89 minutes"),
        (2 * HOUR, "about 2 hours"),
        (47.4 * HOUR, "about 47 hours"),
        (48 * HOUR, "about 2 days"),
        (53 * DAY, "about 53 days"),
        (53.4 * DAY, "about 53 days"),
        (729 * DAY, "about 729 days"),
        (5 * 365.25 * DAY, "about 5 years"),
        (4000 * 365.25 * DAY, "about 4,000 years"),
    ],
)
def test_a_duration_is_said_as_a_person_would(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """Return every file and folder with its time of change and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, sha256_of_file(path) if path.is_file() else "")
        for path in folder.rglob("*")
    }


def planned(outlook: Outlook) -> dict[Job, str]:
    return {job.job: job.output for job in outlook.jobs}


def test_a_plan_changes_nothing_on_disk_before_the_first_run(workshop: Workshop) -> None:
    workshop.photo("a.png")
    config = workshop.config()
    before = snapshot(workshop.folder)
    assert len(look_ahead(config).jobs) == 1
    assert snapshot(workshop.folder) == before


def test_a_plan_counts_what_a_killed_run_was_at(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    config = workshop.config()
    with workshop.ledger() as ledger:
        take_in(config, prepare(config), ledger)
        assert len(ledger.claim(1, "name")) == 1
    assert len(look_ahead(config).jobs) == 2


def test_a_plan_changes_nothing_on_disk_beside_an_existing_ledger(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("hopeless.png", "diverges")
    workshop.run()
    workshop.photo("b.png", shade=1)
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    config = workshop.config()
    before = snapshot(workshop.folder)
    outlook = look_ahead(config)
    assert snapshot(workshop.folder) == before
    assert {job.job.photo for job in outlook.jobs} == {"b.png", "hopeless.png"}
    assert (outlook.done, outlook.quarantined, outlook.taken_in.photos) == (1, 1, 4)
    assert [(photo.path, photo.kind) for photo in outlook.taken_in.set_aside] == [("c.jpg", "quarantined")]


def test_the_names_planned_are_the_names_made(workshop: Workshop) -> None:
    for number, name in enumerate(("a.png", "a.PNG", "sub/a.png", "what?.png", "nul.png")):
        workshop.photo(name, shade=number)
    plan = planned(look_ahead(workshop.config()))
    workshop.run()
    assert {event.job: event.output for event in workshop.finished()} == plan
    assert sorted(plan.values()) == workshop.pictures()


def test_jobs_are_planned_in_the_order_of_the_run(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, order: name")
    for name in ("b.png", "a.png", "c.png"):
        workshop.photo(name, shade=ord(name[0]))
    plan = [job.job for job in look_ahead(workshop.config()).jobs]
    workshop.run()
    assert [event.job for event in workshop.finished()] == plan


def test_nothing_is_planned_over_a_finished_folder(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    outlook = look_ahead(workshop.config())
    assert (outlook.jobs, outlook.done, outlook.seconds, outlook.advice) == ((), 1, 0.0, ())


def test_photos_that_no_style_wants_are_counted(workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    workshop.photo("night/a.png")
    workshop.photo("day/b.png", shade=1)
    outlook = look_ahead(workshop.config())
    assert [job.job.photo for job in outlook.jobs] == ["night/a.png"]
    assert outlook.taken_in.unpaired == 1


def test_before_the_first_picture_the_time_is_a_guess_about_a_usual_photo(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    outlook = look_ahead(workshop.config())
    assert not outlook.measured
    # A photo between 3:2 and 4:3, 150 evaluations at 48 pixels.
    assert outlook.seconds == pytest.approx(2 * 150 * 48 * 48 * 0.7 * GUESSED_SECONDS_PER_PIXEL, rel=0.01)


def test_the_time_is_measured_on_the_pictures_made_before(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    (made,) = workshop.finished()
    assert made.artwork is not None
    # The fake engine evaluates once, on 48 × 32 pixels.
    seconds_per_pixel = made.artwork.seconds / (48 * 32)
    workshop.photo("b.png", shade=1)
    outlook = look_ahead(workshop.config())
    assert outlook.measured
    expected = seconds_per_pixel * expected_work(Recipe(size=48, scales=1))
    assert outlook.seconds == pytest.approx(expected, rel=1e-6)


def test_coarse_scales_cost_their_share() -> None:
    one, two = Recipe(size=256, scales=1, iterations=50), Recipe(size=256, scales=2, iterations=(200, 50))
    assert expected_work(two) == pytest.approx(expected_work(one) * 2)  # 200 evaluations on a quarter of the pixels


def test_short_work_gets_no_advice(workshop: Workshop) -> None:
    workshop.photo("a.png")
    assert look_ahead(workshop.config()).advice == ()


def test_long_work_gets_advice_with_the_time_it_would_take(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: 4000, scales: 1}")
    for number in range(50):
        workshop.photo(f"{number}.png", shade=number)
    outlook = look_ahead(workshop.config())
    assert outlook.seconds > HOUR
    size, iterations, gpu = outlook.advice
    assert size == f"recipes.default.size 2000 instead of 4000: {in_words(outlook.seconds / 4)}"
    assert iterations == f"half of recipes.default.iterations: {in_words(outlook.seconds / 2)}"
    assert "GPU" in gpu


def test_advice_is_about_the_recipe_that_takes_longest(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("painting: night.jpg}", "painting: night.jpg, recipes: [small, huge]}")
    workshop.text = workshop.text.replace(
        "default: {size: 48, scales: 1}", "small: {size: 2000, scales: 1}\n  huge: {size: 8000, scales: 1}"
    )
    for number in range(5):
        workshop.photo(f"{number}.png", shade=number)
    outlook = look_ahead(workshop.config())
    # 16 parts of 17 are the huge one's; a quarter of those and the small one's part stay.
    expected = in_words(outlook.seconds * 5 / 17)
    assert outlook.advice[0] == f"recipes.huge.size 4000 instead of 8000: {expected}"
