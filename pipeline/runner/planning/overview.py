"""Sums up what a plan would make: by style, by folder, and as a sample over all folders. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.model import Job


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A picture that would be made; ``output`` is relative to the output folder.

    ``reason``: why a finished picture is made again, "" for a new one.
    """

    job: Job
    output: str
    reason: str = ""


@dataclass(slots=True)
class Total:
    """How many pictures are new, and how many are made again."""

    new: int = 0
    again: int = 0

    @property
    def all(self) -> int:
        """How many pictures there are."""
        return self.new + self.again


def totals_by_style(jobs: Sequence[PlannedJob]) -> dict[str, Total]:
    """Return the totals of each style, the largest first."""
    return _totals(jobs, lambda job: job.style)


def totals_by_folder(jobs: Sequence[PlannedJob]) -> dict[str, Total]:
    """Return the totals of each folder right in the input folder, the largest first; "" is that folder itself."""
    return _totals(jobs, lambda job: job.photo.split("/")[0] if "/" in job.photo else "")


def _totals(jobs: Sequence[PlannedJob], group_of: Callable[[Job], str]) -> dict[str, Total]:
    totals: defaultdict[str, Total] = defaultdict(Total)
    for planned in jobs:
        total = totals[group_of(planned.job)]
        total.again += bool(planned.reason)
        total.new += not planned.reason
    return dict(sorted(totals.items(), key=lambda item: (-item[1].all, item[0])))


def sample_over_folders(jobs: Sequence[PlannedJob], count: int) -> list[PlannedJob]:
    """Return ``count`` of the jobs, in their order: as many from each folder, or from folders all over the list."""
    by_folder: defaultdict[str, list[int]] = defaultdict(list)
    for position, planned in enumerate(jobs):
        by_folder[str(PurePosixPath(planned.job.photo).parent)].append(position)
    folders = list(by_folder.values())
    if len(folders) > count:
        folders = [folders[number * len(folders) // count] for number in range(count)]
    chosen: list[int] = []
    for turn in range(max(map(len, folders), default=0)):
        chosen += [folder[turn] for folder in folders if turn < len(folder)]
        if len(chosen) >= count:
            break
    return [jobs[position] for position in sorted(chosen[:count])]
