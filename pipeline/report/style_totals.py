"""Adds up a run's pictures by style and recipe, for the terminal and the report. Owns the sums; formats nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.model import JobState
from pipeline.report.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleTotals:
    """The pictures of one style by one recipe; means are of those that were painted, None if there is none."""

    style: str
    recipe: str
    made: int
    copied: int
    failed: int
    mean_seconds: float | None
    mean_first_style: float | None
    mean_last_style: float | None


def style_totals(rows: Sequence[Row]) -> list[StyleTotals]:
    """Return the totals by style, then recipe."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.style, row.recipe), []).append(row)
    return [_totals(style, recipe, group) for (style, recipe), group in sorted(groups.items())]


def _totals(style: str, recipe: str, rows: Sequence[Row]) -> StyleTotals:
    made = [row for row in rows if row.seconds is not None]
    return StyleTotals(
        style=style,
        recipe=recipe,
        made=len(made),
        copied=sum(row.copied for row in rows),
        failed=sum(row.state in (JobState.FAILED, JobState.QUARANTINED) for row in rows),
        mean_seconds=_mean([row.seconds for row in made]),
        mean_first_style=_mean([row.first_style for row in made]),
        mean_last_style=_mean([row.last_style for row in made]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
