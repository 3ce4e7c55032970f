from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.settings import ingest_settings
from pipeline.engine.speed import FORWARD, GUESS, Speed, network_pixels
from pipeline.engine.transfer.target_cache import StyleCache, TargetKey
from pipeline.hashing import sha256_of_file
from pipeline.model import Job, Painting, Recipe, Style
from pipeline.runner.execution.single_pass import PassOptions
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.planning.forecast import TYPICAL_EVALUATIONS
from pipeline.runner.planning.run_plan import RunPlan, approximate_duration, missing_targets
from pipeline.runner.preparation import resolve_config
from tests.fakes import write_photo
from tests.workshop import CONFIG, SPEED, Workshop

HOUR, DAY = 3600.0, 86400.0

# The usual evaluations are of this loss.
BY_GRAM = CONFIG.replace("scales: 1}", "scales: 1, style_loss: gram}")


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
    assert approximate_duration(seconds) == words


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """Return every file and folder with its time of change and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, sha256_of_file(path) if path.is_file() else "")
        for path in folder.rglob("*")
    }


def planned(run_plan: RunPlan) -> dict[Job, str]:
    return {job.job: job.output for job in run_plan.jobs}


def test_a_plan_changes_nothing_on_disk_before_the_first_run(workshop: Workshop) -> None:
    workshop.photo("a.png")
    config = workshop.config()
    before = snapshot(workshop.folder)
    assert len(workshop.plan(config=config).jobs) == 1
    assert snapshot(workshop.folder) == before


def test_a_plan_counts_what_a_killed_run_was_at(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    config = workshop.config()
    with workshop.ledger() as ledger:
        ingest(ingest_settings(config), resolve_config(config), ledger)
        assert len(ledger.leases.claim(1, "name")) == 1
    assert len(workshop.plan().jobs) == 2


def test_a_plan_changes_nothing_on_disk_beside_an_existing_ledger(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("hopeless.png", "diverges")
    workshop.run()
    workshop.photo("b.png", shade=1)
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    config = workshop.config()
    before = snapshot(workshop.folder)
    run_plan = workshop.plan(config=config)
    assert snapshot(workshop.folder) == before
    assert {job.job.photo for job in run_plan.jobs} == {"b.png", "hopeless.png"}
    assert (run_plan.done, run_plan.quarantined, run_plan.ingested.photos) == (1, 1, 4)
    assert [(photo.path, photo.kind) for photo in run_plan.ingested.set_aside] == [("c.jpg", "quarantined")]


def test_the_names_planned_are_the_names_made(workshop: Workshop) -> None:
    for number, name in enumerate(("a.png", "a.PNG", "sub/a.png", "what?.png", "nul.png")):
        workshop.photo(name, shade=number)
    plan = planned(workshop.plan())
    workshop.run()
    assert {event.job: event.output for event in workshop.finished()} == plan
    assert sorted(plan.values()) == workshop.pictures()


def test_jobs_are_planned_in_the_order_of_the_run(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, order: name")
    for name in ("b.png", "a.png", "c.png"):
        workshop.photo(name, shade=ord(name[0]))
    plan = [job.job for job in workshop.plan().jobs]
    workshop.run()
    assert [event.job for event in workshop.finished()] == plan


def test_a_random_order_is_planned_as_it_is_made_also_after_a_restart(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("settle_seconds: 0", "settle_seconds: 0, order: {random: 7}")
    for number in range(12):
        workshop.photo(f"{number // 4}/{number:02}.png", shade=number)
    plan = [job.job.photo for job in workshop.plan().jobs]
    assert plan != sorted(plan)
    workshop.run(PassOptions(limit=5))
    first = [event.job.photo for event in workshop.finished()]
    workshop.run()
    assert first + [event.job.photo for event in workshop.finished()] == plan
    workshop.text = workshop.text.replace("{random: 7}", "{random: 8}").replace("size: 48", "size: 32")
    assert [job.job.photo for job in workshop.plan().jobs] != plan


def test_nothing_is_planned_over_a_finished_folder(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    run_plan = workshop.plan()
    assert (run_plan.jobs, run_plan.done, run_plan.forecast.seconds, run_plan.advice) == ((), 1, 0.0, ())


def test_photos_that_no_style_wants_are_counted(workshop: Workshop) -> None:
    workshop.text += "pairing: {by: folder}\n"
    workshop.photo("night/a.png")
    workshop.photo("day/b.png", shade=1)
    run_plan = workshop.plan()
    assert [job.job.photo for job in run_plan.jobs] == ["night/a.png"]
    assert run_plan.ingested.unpaired == 1


def test_without_a_measurement_the_time_is_a_guess(workshop: Workshop) -> None:
    workshop.photo("a.png")
    run_plan = workshop.plan(lambda _: None)
    assert run_plan.device is None
    assert run_plan.forecast.start_seconds == GUESS.startup_seconds


def test_a_machine_is_asked_only_if_there_is_something_to_do(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()

    def measure_speed(_: object) -> None:
        raise AssertionError

    workshop.plan(measure_speed)


def test_the_time_follows_from_the_measurement_and_the_photos_own_shape(workshop: Workshop) -> None:
    workshop.text = BY_GRAM
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    run_plan = workshop.plan(lambda _: SPEED)
    assert run_plan.device == "cpu (fake)"
    assert network_pixels(48, 32 / 48) == 48 * 32
    pictures = 2 * 48 * 32 * 1e-6 * (TYPICAL_EVALUATIONS["lbfgs"] + FORWARD)
    painting = 48 * 32 * 2e-6  # 96 × 64 pixels, looked at with a long side of 48
    assert run_plan.forecast.seconds == pytest.approx(5.0 + painting + pictures)


def test_pictures_made_before_tell_how_many_evaluations_it_takes(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.photo("b.png", shade=1)
    default = workshop.plan(lambda _: SPEED).forecast.recipes["default"]
    assert default.learned
    assert default.evaluations == (pytest.approx(1),)  # as the fake engine does


def test_pictures_of_a_recipe_that_was_changed_tell_nothing(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("scales: 1}", "scales: 1, content_weight: 0.5}")
    assert not workshop.plan(lambda _: SPEED).forecast.recipes["default"].learned


def test_photos_that_can_not_be_read_are_taken_for_usual_ones(workshop: Workshop) -> None:
    workshop.text = BY_GRAM
    path = workshop.photo("a.png")
    damaged = bytearray(path.read_bytes())
    damaged[16:29] = bytes(13)
    path.write_bytes(damaged)
    run_plan = workshop.plan(lambda _: SPEED)
    usual = network_pixels(48, 0.7) * 1e-6 * (TYPICAL_EVALUATIONS["lbfgs"] + FORWARD)
    assert run_plan.forecast.recipes["default"].seconds == pytest.approx(usual)


def test_of_many_photos_the_headers_of_some_are_read(workshop: Workshop) -> None:
    workshop.text = BY_GRAM
    for number in range(305):
        workshop.photo(f"{number}.png", shade=number)
    run_plan = workshop.plan(lambda _: SPEED)
    alone = 48 * 32 * 1e-6 * (TYPICAL_EVALUATIONS["lbfgs"] + FORWARD)
    assert run_plan.forecast.recipes["default"].seconds == pytest.approx(305 * alone)


def test_paintings_in_the_style_cache_take_no_time(workshop: Workshop) -> None:
    workshop.photo("a.png")
    config = workshop.config()
    key = TargetKey(
        painting_sha256=sha256_of_file(workshop.folder / "night.jpg"),
        size=48,
        layers=("relu1_1",),
        weights_id="w",
        pooling="max",
        precision="p",
    )
    StyleCache(config.cache.folder, 10**9).write(key, {})
    assert workshop.plan(lambda _: SPEED).forecast.painting_seconds == 0


def test_a_painting_has_one_target_for_each_size_and_is_never_enlarged(workshop: Workshop) -> None:
    style = Style("night", (Painting(workshop.folder / "night.jpg", "a"), Painting(Path("nowhere.jpg"), "b")), 2.0)
    recipe = Recipe(size=64, scales=(32, 64))
    cached = {("b", 64)}
    found = [target.pixels for target in missing_targets(style, recipe, cached)]
    assert found == [64 * 43, 96 * 64, pytest.approx(128**2 * 0.7)]
    assert list(missing_targets(style, recipe, cached)) == []
    assert list(missing_targets(style, replace(recipe, color="match"), set())) == []
    fine = Style(
        "fine", (Painting(workshop.folder / "night.jpg", "c"), Painting(Path("nowhere.jpg"), "d", scale=0.5))
    )
    found = [target.pixels for target in missing_targets(fine, recipe, cached)]
    assert found == [32 * 21, 64 * 43, *(pytest.approx(size**2 * 0.7) for size in (16, 32))]


def test_the_largest_painting_of_a_blend_decides_the_memory(workshop: Workshop) -> None:
    workshop.photo("a.png")
    usual = workshop.plan(lambda _: SPEED).memory_bytes
    own = "paintings: [night.jpg, {painting: night.jpg, scale: 8}]"
    workshop.text = workshop.text.replace("painting: night.jpg", own)
    assert workshop.plan(lambda _: SPEED).memory_bytes > usual


def test_short_work_gets_no_advice(workshop: Workshop) -> None:
    workshop.photo("a.png")
    assert workshop.plan().advice == ()


def test_long_work_gets_advice_with_the_time_it_would_take(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: 4000, scales: 1, tolerance: 0}")
    for number in range(50):
        workshop.photo(f"{number}.png", shade=number)
    run_plan = workshop.plan(lambda _: SPEED)
    seconds = run_plan.forecast.seconds
    assert seconds > HOUR
    size, iterations, gpu = run_plan.advice
    assert size == f"recipes.default.size 2000 instead of 4000: {approximate_duration(seconds / 4)}"
    assert iterations == f"recipes.default.iterations 75: {approximate_duration(seconds / 2)}"
    assert "GPU" in gpu


def test_what_would_not_shorten_the_work_is_no_advice(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("{size: 48, scales: 1}", "{size: 20000, scales: 1, iterations: 1}")
    for number in range(50):
        workshop.photo(f"{number}.png", shade=number)
    speed = Speed(
        device="cuda:0", pictures_at_once=1, startup_seconds=5.0, shallow_share=0.2, measurements=SPEED.measurements
    )
    (size,) = workshop.plan(lambda _: speed).advice
    assert size.startswith("recipes.default.size")


def test_advice_is_about_the_recipe_that_takes_longest(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("painting: night.jpg}", "painting: night.jpg, recipes: [small, huge]}")
    workshop.text = workshop.text.replace(
        "default: {size: 48, scales: 1}", "small: {size: 2000, scales: 1}\n  huge: {size: 8000, scales: 1}"
    )
    for number in range(20):
        workshop.photo(f"{number}.png", shade=number)
    run_plan = workshop.plan(lambda _: SPEED)
    huge = run_plan.forecast.recipes["huge"].seconds
    # Of a quarter of the pixels, in half again as many evaluations.
    expected = approximate_duration(run_plan.forecast.seconds - huge + huge / 4 * 2**0.5)
    assert run_plan.advice[0] == f"recipes.huge.size 4000 instead of 8000: {expected}"


NO_COPIES = "gallery: {enabled: false}\n"
ORIGINAL = "size: original, scales: 1, style_loss: gram}"


def test_where_photos_decide_each_picture_takes_what_its_own_size_takes(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("size: 48, scales: 1}", ORIGINAL) + NO_COPIES
    write_photo(workshop.folder / "in" / "small.png", size=(64, 32))
    write_photo(workshop.folder / "in" / "large.png", size=(320, 640), shade=1)
    run_plan = workshop.plan(lambda _: SPEED)
    evaluations = TYPICAL_EVALUATIONS["lbfgs"] + FORWARD
    pictures = (64 * 32 + 640 * 320) * 1e-6 * evaluations
    assert run_plan.forecast.recipes["default"].seconds == pytest.approx(pictures)
    painting = (64 * 43 + 96 * 64) * 2e-6  # one target for each size; the painting has 96 pixels
    assert run_plan.forecast.painting_seconds == pytest.approx(painting, rel=0.05)
    assert run_plan.disk.bytes == pytest.approx((64 * 32 + 640 * 320) * 1.15, rel=0.01)
    assert run_plan.too_large_for_format == 0


def test_a_photo_that_can_not_be_read_is_taken_for_a_typical_one(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("size: 48, scales: 1}", ORIGINAL)
    path = workshop.photo("a.png")
    damaged = bytearray(path.read_bytes())
    damaged[16:29] = bytes(13)
    path.write_bytes(damaged)
    evaluations = TYPICAL_EVALUATIONS["lbfgs"] / (3968 / 1024) ** 0.5
    usual = network_pixels(3968, 0.7) * 1e-6 * (evaluations + FORWARD)
    found = workshop.plan(lambda _: replace(SPEED, device="cuda"))  # where nothing is planned in blocks
    assert found.forecast.recipes["default"].seconds == pytest.approx(usual)


def test_pictures_with_fewer_sizes_have_fewer_snapshots(workshop: Workshop) -> None:
    workshop.text = (
        CONFIG.replace("size: 48, scales: 1}", "size: original, scales: [32], snapshot_every: 10}") + NO_COPIES
    )
    write_photo(workshop.folder / "in" / "small.png", size=(16, 16))
    write_photo(workshop.folder / "in" / "large.png", size=(64, 64), shade=1)
    run_plan = workshop.plan(lambda _: SPEED)
    default = run_plan.forecast.recipes["default"]
    assert default.sizes == (32, 64)
    coarse, fine = (int(count // 10) for count in default.evaluations)
    pixels = 16 * 16 * (1 + fine) + 64 * 64 * (1 + fine) + 32 * 32 * coarse
    assert run_plan.disk.bytes == pytest.approx(pixels * 1.15, rel=0.01)


def test_pictures_that_their_format_can_not_hold_are_counted(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("size: 48, scales: 1}", ORIGINAL).replace(
        "folder: out", "folder: out, format: webp"
    )
    write_photo(workshop.folder / "in" / "wide.png", size=(17_000, 2))
    workshop.photo("a.png")
    run_plan = workshop.plan(lambda _: SPEED)
    assert run_plan.too_large_for_format == 1
    assert run_plan.forecast.recipes["default"].pictures == 1, "the other one is not made"
    assert run_plan.small_paintings == ()


@pytest.mark.parametrize(
    ("size", "advice"),
    [
        ("10 MP", "size 2.5 MP instead of 10 MP"),
        ("a4 @ 300 dpi", "size a4 @ 150 dpi instead of a4 @ 300 dpi"),
        ("original", "max_size 1500"),
        ("10 MP, max_size: 3000", "max_size 1500"),
    ],
)
def test_advice_for_sizes_in_words_is_in_words(workshop: Workshop, size: str, advice: str) -> None:
    settings = f"size: {size}, scales: 1, tolerance: 0}}"
    workshop.text = CONFIG.replace("size: 48, scales: 1}", settings)
    for number in range(20):
        write_photo(workshop.folder / "in" / f"{number}.png", size=(3000, 20), shade=number)
    speed = replace(SPEED, measurements=(replace(SPEED.measurements[0], alone=99.0, together=99.0),))
    run_plan = workshop.plan(lambda _: speed)
    assert run_plan.advice[0].startswith(f"recipes.default.{advice}: about ")
