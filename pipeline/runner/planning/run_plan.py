"""Plans a run: which pictures it would make, and how long that takes. Owns the advice; changes no folder."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.engine import ENGINE_VERSION
from pipeline.engine.speed import GUESS, Speed, read_speed
from pipeline.engine.transfer.plateau import fewer_evaluations, leniency
from pipeline.engine.transfer.target_cache import StyleCache
from pipeline.errors import JobError
from pipeline.images.decode import fit, read_size
from pipeline.intake.scan import names_archive
from pipeline.ledger import Claim, Ledger, Timing
from pipeline.ledger.claim_queue import ALL
from pipeline.model import EngineSettings, Job, PlanSettings, Recipe, Style
from pipeline.runner.execution.publishing import pixel_evaluations
from pipeline.runner.format_limits import fits_format
from pipeline.runner.found_pictures import find_pictures
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.painting_detail import PaintingDetail
from pipeline.runner.planning.disk_need import SAMPLE as DISK_SAMPLE
from pipeline.runner.planning.disk_need import DiskNeed, copies_bytes, disk_need, timelapse_bytes
from pipeline.runner.planning.forecast import (
    TYPICAL_PROPORTION,
    Forecast,
    RecipeForecast,
    TargetCost,
    Task,
    forecast,
    memory_bytes,
    picture_limit,
    timings_by_recipe,
)
from pipeline.runner.planning.overview import PlannedJob
from pipeline.runner.planning.run_scope import RunScope, apply_scope, reasons_by_job
from pipeline.runner.planning.tasks import planned_tasks, task_kinds
from pipeline.runner.preparation import ResolvedConfig, ledger_file, source_of

#: Returns the speed of this machine, None if it is unknown and can't be measured.
MeasureSpeed = Callable[[EngineSettings], Speed | None]

_MINUTE, _HOUR, _DAY, _YEAR = 60.0, 3600.0, 86400.0, 31_557_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What ``run`` would do now, and the most memory that its worker takes.

    ``found`` counts the finished pictures that a new ledger will recognize by their metadata: so many of ``jobs``, at
    most, are done already. ``photos`` are those that the scope selects. ``rejected`` pictures are not among the
    ``done`` ones; for ``chosen`` pictures, of all photos, a recipe was chosen. ``quarantined`` pictures are those
    ``given_up`` and all of the ``photos_set_aside``. ``kept`` of the ``done`` ones were made with earlier settings.
    ``reasons``: how many of ``jobs`` are made again because of what. ``device`` is the one whose speed was measured,
    None if ``forecast`` is a guess. ``too_large_for_format`` of ``jobs`` can't be written, by their photos' sizes.
    ``small_paintings``: what is to be said of those that are too small for their pictures.
    """

    jobs: tuple[PlannedJob, ...]
    ingested: IngestResult
    photos: int
    done: int
    found: int
    kept: int
    rejected: int
    chosen: int
    quarantined: int
    given_up: int
    photos_set_aside: int
    reasons: Mapping[str, int]
    forecast: Forecast
    memory_bytes: int
    device: str | None
    disk: DiskNeed
    advice: tuple[str, ...]
    too_large_for_format: int = 0
    small_paintings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rehearsed:
    """What a run would find; see :class:`RunPlan`."""

    ingested: IngestResult
    claims: Sequence[Claim]
    reasons: Mapping[Job, str]
    timings: Mapping[str, Timing]
    finished: Sequence[str]
    photos: int
    done: int
    found: int
    kept: int
    rejected: int
    chosen: int
    quarantined: int
    given_up: int
    photos_set_aside: int


def plan_run(
    settings: PlanSettings,
    resolved: ResolvedConfig,
    measure_speed: MeasureSpeed = read_speed,
    scope: RunScope = RunScope(),
    require_possible: Callable[[Sequence[Job]], None] = lambda _: None,
) -> RunPlan:
    """Ingest and claim on a copy of the ledger in memory. Raises what a run would raise at its begin.

    ``require_possible`` gets the pictures to make, and raises if one can't be made. ``measure_speed``, which may take
    long, is called after that, and only if there is something to do.
    """
    rehearsed = _rehearse(settings, resolved, scope)
    require_possible([claim.job for claim in rehearsed.claims])
    speed = measure_speed(settings.engine) if rehearsed.claims else None
    made = _makeable(settings, resolved, rehearsed.claims)
    tasks = [task for _, task in made]
    scales = [resolved.styles[claim.job.style].largest_scale() for claim, _ in made]
    targets = _missing_targets(settings.engine, resolved, made)
    limit_bytes = picture_limit(settings.engine, speed)
    expected = forecast(speed or GUESS, tasks, targets, rehearsed.timings, limit_bytes)
    jobs = _planned_jobs(rehearsed)
    return RunPlan(
        jobs=jobs,
        ingested=rehearsed.ingested,
        photos=rehearsed.photos,
        done=rehearsed.done,
        found=rehearsed.found,
        kept=rehearsed.kept,
        rejected=rehearsed.rejected,
        chosen=rehearsed.chosen,
        quarantined=rehearsed.quarantined,
        given_up=rehearsed.given_up,
        photos_set_aside=rehearsed.photos_set_aside,
        reasons=dict(Counter(job.reason for job in jobs if job.reason).most_common()),
        forecast=expected,
        memory_bytes=memory_bytes(speed or GUESS, list(zip(tasks, scales, strict=True)), limit_bytes),
        device=speed.device if speed else None,
        disk=_disk_need(settings, jobs, tasks, expected, rehearsed.finished),
        advice=_advice(resolved.recipes, tasks, expected, speed.device if speed else ""),
        small_paintings=_small_paintings(resolved, made),
        too_large_for_format=len(jobs) - len(made),
    )


def _rehearse(settings: PlanSettings, resolved: ResolvedConfig, scope: RunScope) -> _Rehearsed:
    """Ingest and claim on a copy of the ledger in memory."""
    folders = settings.folders
    with Ledger.rehearsal(ledger_file(folders), source_of(folders)) as ledger:
        for lease in ledger.leases.all():
            # Of a killed instance, whose jobs the next run does, or of one that is running now.
            ledger.leases.release(lease.token)
        ledger.jobs.requeue_failed()
        take_over_moved_source(folders, ledger)
        find_pictures(ledger, folders.output)
        ingested = ingest(settings.ingest, resolved, ledger, sleep=_no_sleep)
        apply_scope(ledger, scope, settings.order, ingested.skipped_photos)
        reasons = reasons_by_job(ledger, settings.order, settings.ingest.on_change)
        standing = ledger.queries.standing(ledger.queue.selected_photos)
        return _Rehearsed(
            ingested=_narrowed(ingested, scope, ledger) if scope.only else ingested,
            claims=ledger.leases.claim(ALL, settings.order),
            reasons=reasons,
            timings=timings_by_recipe(resolved.recipe_settings(), ledger.queries.timings(ENGINE_VERSION)),
            finished=ledger.queries.published_sample(DISK_SAMPLE),
            photos=ingested.photos if standing.photos is None else standing.photos,
            done=standing.done,
            found=ledger.found.count(),
            kept=ledger.queries.kept_count(),
            rejected=standing.rejected,
            chosen=ledger.recipe_choices.count(),
            quarantined=standing.given_up + standing.set_aside,
            given_up=standing.given_up,
            photos_set_aside=standing.photos_set_aside,
        )


def _makeable(settings: PlanSettings, resolved: ResolvedConfig, claims: Sequence[Claim]) -> list[tuple[Claim, Task]]:
    """Return the claims whose pictures a file can hold, with what is estimated of each."""
    tasks = planned_tasks(settings.folders.input, resolved, claims)
    planned = zip(claims, tasks, strict=True)
    return [(claim, task) for claim, task in planned if fits_format(task.recipe, settings.picture.format)]


def _planned_jobs(rehearsed: _Rehearsed) -> tuple[PlannedJob, ...]:
    reasons = rehearsed.reasons
    return tuple(PlannedJob(claim.job, claim.output, reasons.get(claim.job, "")) for claim in rehearsed.claims)


def _narrowed(ingested: IngestResult, scope: RunScope, ledger: Ledger) -> IngestResult:
    """Return what became of the photos that the scope selects; ``photos`` counts all as before."""
    unpaired = (path for path in ledger.queries.without_wanted_jobs() if not names_archive(path))
    return dataclasses.replace(
        ingested,
        set_aside=[photo for photo in ingested.set_aside if scope.selects(photo.path)],
        known=[photo for photo in ingested.known if scope.selects(photo.path)],
        skipped_photos=scope.among(ingested.skipped_photos),
        unpaired=sum(map(scope.selects, unpaired)),
    )


def approximate_duration(seconds: float) -> str:
    """Return a duration as a person would say it: "about 53 days"."""
    for unit, length, limit in (
        ("second", 1.0, 90.0),
        ("minute", _MINUTE, 90 * _MINUTE),
        ("hour", _HOUR, 48 * _HOUR),
        ("day", _DAY, 730 * _DAY),
    ):
        if seconds < limit:
            count = max(1, round(seconds / length))
            return f"about {count:,} {unit}{'' if count == 1 else 's'}"
    return f"about {seconds / _YEAR:,.0f} years"


def _disk_need(
    settings: PlanSettings,
    jobs: Sequence[PlannedJob],
    tasks: Sequence[Task],
    expected: Forecast,
    finished: Iterable[str],
) -> DiskNeed:
    replaced, new = [job.output for job in jobs if job.reason], [job for job in jobs if not job.reason]
    return disk_need(
        settings.folders.output,
        settings.picture,
        settings.min_free_bytes,
        pixels=sum(_pixels(task, expected) for task in tasks),
        finished=finished,
        replaced=replaced,
        copies_bytes=copies_bytes(settings.previews, len(new), len({job.job.photo for job in new}))
        + sum(timelapse_bytes(task.recipe, task.proportion) for task in tasks),
    )


def _pixels(task: Task, expected: Forecast) -> float:
    """Return how many pixels a picture has, with its intermediate ones."""
    recipe, whole = task.recipe, task.recipe.size**2
    if recipe.snapshot_every:
        sizes = recipe.sizes()
        per_size = zip(sizes, expected.recipes[recipe.name].evaluations[-len(sizes) :], strict=True)
        whole += sum(size**2 * int(count // recipe.snapshot_every) for size, count in per_size)
    return whole * task.proportion


def _missing_targets(
    engine: EngineSettings, resolved: ResolvedConfig, made: Iterable[tuple[Claim, Task]]
) -> Iterator[TargetCost]:
    """Yield the style targets that are not in the style cache yet."""
    entries = StyleCache(engine.cache_folder, engine.cache_limit_bytes).entries() if engine.cache_folder else []
    cached = {(entry.painting_sha256, entry.size) for entry in entries}
    for style, recipe in task_kinds(made):
        for painted in resolved.styles[style].painted():
            yield from missing_targets(painted, recipe, cached)


def _small_paintings(resolved: ResolvedConfig, made: Iterable[tuple[Claim, Task]]) -> tuple[str, ...]:
    detail = PaintingDetail()
    for style, recipe in task_kinds(made):
        detail.note(resolved.styles[style], recipe.name, recipe.size)
    return detail.sentences()


def missing_targets(style: Style, recipe: Recipe, cached: set[tuple[str, int]]) -> Iterator[TargetCost]:
    """Yield a style's paintings at those sizes that are not ``cached`` (content, long side), and add them.

    They are never enlarged. In each photo's colors they are never in the cache: that time is the picture's own.
    """
    if recipe.matches_colors:
        return
    for painting in style.paintings:
        for picture_size in recipe.sizes():
            size = style.painting_size(painting, picture_size)
            if (painting.sha256, size) not in cached:
                cached.add((painting.sha256, size))
                yield TargetCost(recipe, _painting_pixels(painting.path, size))


def _painting_pixels(path: Path, long_side: int) -> float:
    try:
        size = read_size(path)
    except JobError:
        return long_side**2 * TYPICAL_PROPORTION
    width, height = fit(size, min(long_side, max(size)))
    return width * height


def _advice(recipes: Mapping[str, Recipe], tasks: Sequence[Task], expected: Forecast, device: str) -> tuple[str, ...]:
    """Return what would shorten the run, if it is long enough to care."""
    if expected.seconds < _HOUR:
        return ()
    name = max(expected.recipes, key=lambda key: expected.recipes[key].seconds)
    recipe, longest = recipes[name], expected.recipes[name]
    rest = expected.seconds - longest.seconds
    most = max(1, round(max(longest.evaluations) / 2))
    smaller, share = _smaller_size(recipe, [task.recipe.size for task in tasks if task.recipe.name == name])
    changes = [
        (smaller, share * _more_evaluations(recipe)),
        (f"recipes.{name}.iterations {most}", _share_of_evaluations(longest, most)),
    ]
    if not device or device.startswith("cpu"):
        changes.append(("a GPU (engine.device: cuda), often 20 to 50 times as fast as two CPU cores", 0.03))
    return tuple(
        f"{change}: {approximate_duration(rest + longest.seconds * factor)}"
        for change, factor in changes
        if factor < 1
    )


def _smaller_size(recipe: Recipe, sizes: Sequence[int]) -> tuple[str, float]:
    """Return a size that is half as large for the largest of these pictures, and which share of the time is left."""
    rule, setting = recipe.size_rule, f"recipes.{recipe.name}"
    if rule is None:
        return f"{setting}.size {recipe.size // 2} instead of {recipe.size}", 0.25
    if (smaller := rule.quarter()) is not None and not recipe.max_size:
        return f"{setting}.size {smaller} instead of {rule}", 0.25
    most = max(sizes) // 2
    left = sum(min(size, most) ** 2 for size in sizes) / sum(size**2 for size in sizes)
    return f"{setting}.max_size {most}", left


def _more_evaluations(recipe: Recipe) -> float:
    """Return how many times as many evaluations a picture of half the size takes."""
    if not recipe.tolerance:
        return 1.0
    whole, half = (fewer_evaluations(leniency(size)) for size in (recipe.size, recipe.size / 2))
    return whole / half


def _share_of_evaluations(expected: RecipeForecast, most: int) -> float:
    """Return which share of the evaluations is left if each scale ends after ``most`` of them at the latest."""
    fewer = [min(count, most) for count in expected.evaluations]
    return pixel_evaluations(expected.sizes, fewer, 1) / pixel_evaluations(expected.sizes, expected.evaluations, 1)


def _no_sleep(_seconds: float) -> None:
    """Don't wait for files that may still be written: a plan may be wrong about them."""
