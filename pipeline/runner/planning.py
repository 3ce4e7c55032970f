"""What a run would do, and how long it would take. Owns estimates and their words; changes nothing on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.config import Config
from pipeline.ledger import Ledger
from pipeline.model import Job, JobState, Recipe
from pipeline.runner.preparation import ledger_file, prepare, source_of
from pipeline.runner.publishing import pixel_evaluations
from pipeline.runner.taking_in import TakenIn, take_in

#: Seconds per evaluated pixel of VGG-19 up to relu5_1, forward and backward, on two CPU cores: a first guess only.
GUESSED_SECONDS_PER_PIXEL: Final = 12e-6

#: Photos are mostly 3:2 or 4:3; their real shape is known only after decoding.
_ASPECT: Final = 0.7

_EVERYTHING: Final = 2**31 - 1
_MINUTE, _HOUR, _DAY, _YEAR = 60.0, 3600.0, 86400.0, 31_557_600.0


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A picture that would be made; ``output`` is relative to the output folder."""

    job: Job
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What ``run`` would do now. ``measured`` tells whether ``seconds`` rests on pictures made on this machine."""

    jobs: tuple[PlannedJob, ...]
    taken_in: TakenIn
    done: int
    quarantined: int
    seconds: float
    measured: bool
    advice: tuple[str, ...]


def look_ahead(config: Config) -> Outlook:
    """Scan and pair on a copy of the ledger in memory. Raises StorageError, PaintingError, LedgerError."""
    studio = prepare(config)
    with Ledger.rehearsal(ledger_file(config), source_of(config)) as ledger:
        for lease in ledger.leases():
            # Of a killed instance, whose work the next run does, or of one that is at it now.
            ledger.release(lease.token)
        ledger.ready_failed()
        taken_in = take_in(config, studio, ledger, sleep=_no_sleep)
        claims = ledger.claim(_EVERYTHING, config.input.order)
        speed = ledger.speed()
        counts = ledger.counts()
    seconds_per_pixel = GUESSED_SECONDS_PER_PIXEL if speed is None else speed
    recipes = Counter(claim.job.recipe for claim in claims)
    seconds = {
        name: count * seconds_per_pixel * expected_work(studio.recipes[name]) for name, count in recipes.items()
    }
    return Outlook(
        jobs=tuple(PlannedJob(claim.job, claim.output) for claim in claims),
        taken_in=taken_in,
        done=counts.get(JobState.DONE, 0),
        quarantined=counts.get(JobState.QUARANTINED, 0),
        seconds=sum(seconds.values()),
        measured=speed is not None,
        advice=_advise(studio.recipes, seconds),
    )


def expected_work(recipe: Recipe) -> float:
    """Return the evaluated pixels of one picture if no scale stops early."""
    return pixel_evaluations(recipe, recipe.iterations_by_scale(), round(recipe.size**2 * _ASPECT))


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


def _advise(recipes: Mapping[str, Recipe], seconds: dict[str, float]) -> tuple[str, ...]:
    """Tell what would shorten the work, if it is long enough to care."""
    total = sum(seconds.values())
    if total < _HOUR:
        return ()
    name = max(seconds, key=lambda key: seconds[key])
    recipe, rest = recipes[name], total - seconds[name]
    return tuple(
        f"{change}: {in_words(rest + seconds[name] * factor)}"
        for change, factor in (
            (f"recipes.{name}.size {recipe.size // 2} instead of {recipe.size}", 0.25),
            (f"half of recipes.{name}.iterations", 0.5),
            ("a GPU (engine.device: cuda), often 20 to 50 times as fast as two CPU cores", 0.03),
        )
    )


def _no_sleep(_seconds: float) -> None:
    """Judge young files at once: a plan promises nothing about them."""
