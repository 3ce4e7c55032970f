"""What a run would do, and how long it would take. Owns estimates and their words; changes nothing in its folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.engine import ENGINE_VERSION
from pipeline.engine.speed import GUESS, Speed, read_speed
from pipeline.engine.transfer.target_cache import StyleCache
from pipeline.errors import JobError
from pipeline.images.decode import fit, read_size
from pipeline.intake.safe_open import open_below
from pipeline.ledger import Claim, Ledger, Timing
from pipeline.model import EngineSettings, Job, JobState, PlanSettings, Recipe, Style
from pipeline.runner.execution.publishing import pixel_evaluations
from pipeline.runner.found_pictures import find_pictures
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.instance.moved_source import follow_moved_source
from pipeline.runner.planning.forecast import Forecast, RecipeForecast, TargetCost, Task, forecast, memory_bytes
from pipeline.runner.preparation import ResolvedConfig, ledger_file, source_of

#: Returns what is known of this machine, None if nothing is and nothing can be found out.
Meter = Callable[[EngineSettings], Speed | None]

#: Short side by long side of photos whose header can't be read; most are 3:2 or 4:3.
USUAL_PROPORTION: Final = 0.7

#: Of so many photos the headers are read; an archive's other photos are taken to be alike.
_LOOKED_AT: Final = 300

_EVERYTHING: Final = 2**31 - 1
_MINUTE, _HOUR, _DAY, _YEAR = 60.0, 3600.0, 86400.0, 31_557_600.0


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A picture that would be made; ``output`` is relative to the output folder."""

    job: Job
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What ``run`` would do now, and the most memory that its worker takes.

    ``found`` counts the finished pictures that a new ledger will know by what stands in them: so many of ``jobs``, at
    most, are done already. ``device`` is what was measured for ``forecast``, None if that is a guess.
    """

    jobs: tuple[PlannedJob, ...]
    ingested: IngestResult
    done: int
    found: int
    quarantined: int
    forecast: Forecast
    memory_bytes: int
    device: str | None
    advice: tuple[str, ...]


def plan_run(settings: PlanSettings, resolved: ResolvedConfig, meter: Meter = read_speed) -> RunPlan:
    """Scan and pair on a copy of the ledger in memory. Raises what a run would raise: it could not begin either.

    ``meter`` is asked only if there is something to do.
    """
    folders = settings.folders
    with Ledger.rehearsal(ledger_file(folders), source_of(folders)) as ledger:
        for lease in ledger.leases.all():
            # Of a killed instance, whose work the next run does, or of one that is at it now.
            ledger.leases.release(lease.token)
        ledger.jobs.ready_failed()
        follow_moved_source(folders, ledger)
        find_pictures(ledger, folders.output)
        ingested = ingest(settings.ingest, resolved, ledger, sleep=_no_sleep)
        claims = ledger.leases.claim(_EVERYTHING, settings.order)
        timings = _timings(resolved, ledger.queries.timings(ENGINE_VERSION))
        counts, found = ledger.queries.counts(), ledger.found.count()
    speed = meter(settings.engine) if claims else None
    tasks = _tasks(folders.input, resolved, claims)
    scales = [resolved.styles[claim.job.style].scale for claim in claims]
    expected = forecast(speed or GUESS, tasks, _missing_targets(settings.engine, resolved, claims), timings)
    return RunPlan(
        jobs=tuple(PlannedJob(claim.job, claim.output) for claim in claims),
        ingested=ingested,
        done=counts.get(JobState.DONE, 0),
        found=found,
        quarantined=counts.get(JobState.QUARANTINED, 0),
        forecast=expected,
        memory_bytes=memory_bytes(speed or GUESS, zip(tasks, scales, strict=True)),
        device=speed.device if speed else None,
        advice=_advise(resolved.recipes, expected, speed.device if speed else ""),
    )


def in_words(seconds: float) -> str:
    """Say a duration as a person would: "about 53 days"."""
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


def _tasks(input_folder: Path, resolved: ResolvedConfig, claims: Sequence[Claim]) -> list[Task]:
    photos = list(dict.fromkeys(claim.job.photo for claim in claims))
    step = -(-len(photos) // _LOOKED_AT) or 1
    known = {photo: _proportion(input_folder, photo) for photo in photos[::step]}
    usual = sum(known.values()) / len(known) if known else USUAL_PROPORTION
    return [Task(resolved.recipes[claim.job.recipe], known.get(claim.job.photo, usual)) for claim in claims]


def _missing_targets(
    engine: EngineSettings, resolved: ResolvedConfig, claims: Iterable[Claim]
) -> Iterator[TargetCost]:
    """Yield the paintings at the sizes that are not in the style cache yet."""
    entries = StyleCache(engine.cache_folder, engine.cache_limit_bytes).entries() if engine.cache_folder else []
    cached = {(entry.painting_sha256, entry.size) for entry in entries}
    for style, recipe in dict.fromkeys((claim.job.style, claim.job.recipe) for claim in claims):
        yield from missing_targets(resolved.styles[style], resolved.recipes[recipe], cached)


def missing_targets(style: Style, recipe: Recipe, cached: set[tuple[str, int]]) -> Iterator[TargetCost]:
    """Yield a style's paintings at those sizes that are not ``cached`` (content, long side), and add them.

    They are never enlarged.
    """
    for painting in style.paintings:
        for wanted in recipe.sizes():
            size = max(1, round(wanted * style.scale))
            if (painting.sha256, size) not in cached:
                cached.add((painting.sha256, size))
                yield TargetCost(recipe, _painting_pixels(painting.path, size))


def _painting_pixels(path: Path, long_side: int) -> float:
    try:
        size = read_size(path)
    except JobError:
        return long_side**2 * USUAL_PROPORTION
    width, height = fit(size, min(long_side, max(size)))
    return width * height


def _proportion(root: Path, photo: str) -> float:
    try:
        with open_below(root, photo) as file:
            sides = read_size(file)
    except (JobError, OSError):
        return USUAL_PROPORTION
    return min(sides) / max(sides)


def _timings(resolved: ResolvedConfig, found: Mapping[str, Timing]) -> dict[str, Timing]:
    """Return what finished pictures took by their recipe, whatever their style."""
    timings: dict[str, Timing] = {}
    # Styles of the same paintings have the same settings, and the same pictures.
    for settings, recipe in {settings: recipe for (_, recipe), settings in resolved.settings.items()}.items():
        if settings in found:
            before, more = timings.get(recipe, Timing(0, 0.0, 0.0)), found[settings]
            timings[recipe] = Timing(
                before.pictures + more.pictures,
                before.seconds + more.seconds,
                before.pixel_evaluations + more.pixel_evaluations,
            )
    return timings


def _advise(recipes: Mapping[str, Recipe], expected: Forecast, device: str) -> tuple[str, ...]:
    """Tell what would shorten the work, if it is long enough to care."""
    if expected.seconds < _HOUR:
        return ()
    name = max(expected.recipes, key=lambda key: expected.recipes[key].seconds)
    recipe, longest = recipes[name], expected.recipes[name]
    rest = expected.seconds - longest.seconds
    most = max(1, round(max(longest.evaluations) / 2))
    changes = [
        (f"recipes.{name}.size {recipe.size // 2} instead of {recipe.size}", 0.25),
        (f"recipes.{name}.iterations {most}", _share_left(recipe, longest, most)),
    ]
    if not device or device.startswith("cpu"):
        changes.append(("a GPU (engine.device: cuda), often 20 to 50 times as fast as two CPU cores", 0.03))
    return tuple(f"{change}: {in_words(rest + longest.seconds * factor)}" for change, factor in changes if factor < 1)


def _share_left(recipe: Recipe, expected: RecipeForecast, most: int) -> float:
    """Return the share of the work that is left if each scale ends after ``most`` evaluations at the latest."""
    fewer = [min(count, most) for count in expected.evaluations]
    return pixel_evaluations(recipe, fewer, 1) / pixel_evaluations(recipe, expected.evaluations, 1)


def _no_sleep(_seconds: float) -> None:
    """Judge young files at once: a plan promises nothing about them."""
