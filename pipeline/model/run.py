"""The events of a run: one stream, read by the terminal, the log, the journal and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Self

from pipeline.model.estimate import WorkEstimate
from pipeline.model.work import (
    Artwork,
    EvaluationShare,
    Job,
    NetworkLoading,
    PreviewSaved,
    Progress,
    Remark,
    SnapshotSaved,
)

#: So many of the photos that are skipped are named.
MAX_SKIPPED_NAMED: Final = 20


class JobState(StrEnum):
    """States of a row in the ledger."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"  # will be tried again by the next run
    QUARANTINED = "quarantined"  # given up until the photo changes or the user says ``retry``
    WITHDRAWN = "withdrawn"  # its photo, style or rule is gone


#: Why a finished picture is made again: another recipe, image that it starts from, painting, style (its scale) or
#: weights, ``settings`` if it isn't known which; another photo, or ``file`` if it was not read yet, so that its
#: content may be the same; made by another engine's version, or missing, and wanted again.
ChangeCause = Literal[
    "recipe",
    "start_image",
    "paintings",
    "style",
    "regions",
    "mask",
    "weights",
    "settings",
    "photo",
    "file",
    "engine",
    "missing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A pass begins: ``jobs`` pictures of ``photos`` photos are to be made, ``done`` are finished already.

    ``again``: so many of ``jobs`` have a picture already, and because of what they are made again: ``reasons``.
    ``seconds``: how long that takes by the forecast, None if it is unknown; ``estimate``: what the forecast is made
    of. ``recipes``: the jobs by recipe. ``made_before``: pictures that the passes before it made since there was last
    nothing to do; those and these are one backlog.
    """

    run_id: str
    config: str
    photos: int
    jobs: int
    done: int
    again: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    estimate: WorkEstimate | None = None
    recipes: dict[str, int] = field(default_factory=dict)
    made_before: int = 0


@dataclass(frozen=True, slots=True)
class BacklogChanged:
    """``left`` pictures are still to be made in this pass or the next, those in progress included.

    Emitted, at most once a second, when that is not what follows from the pictures made and failed since the last
    such event or RunStarted: photos came, changed or are gone. ``recipes``: the same by recipe. Pictures that failed
    and are tried again later are not among them until they are due.
    """

    left: int
    recipes: dict[str, int]


@dataclass(frozen=True, slots=True)
class PhotoSetAside:
    """A photo of which no picture is made.

    ``incomplete``: its file is not whole, and is looked at again. ``quarantined``: it can't be used until it changes.
    ``gone``: it was removed before its pictures were made. ``unpaired``: no rule and no folder gives it a style.
    """

    path: str
    kind: Literal["incomplete", "quarantined", "gone", "unpaired"]
    reason: str


@dataclass(frozen=True, slots=True)
class PhotosSkipped:
    """Photos that ``input.skip`` and ``input.raw`` leave out: how many there are now, by reason.

    ``new``: path and reason of those that were not among them when the program last said so, of very many only the
    first ones; of ``new_count`` in all.
    """

    counts: dict[str, int]
    new: tuple[tuple[str, str], ...] = ()
    new_count: int = 0

    @classmethod
    def of(cls, reasons: Mapping[str, str], new: Sequence[str] | None = None) -> Self:
        """Return the event about these photos and their reasons; ``new`` ones are all, if it is None."""
        paths = sorted(reasons if new is None else new)
        named = tuple((path, reasons[path]) for path in paths[:MAX_SKIPPED_NAMED])
        return cls(dict(Counter(reasons.values()).most_common()), named, len(paths))


@dataclass(frozen=True, slots=True)
class IncompleteFile:
    """A file that is no whole photo yet; it was first seen so at ``since``, in seconds since the epoch."""

    path: str
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class JobStarted:
    """Work on a job has begun; ``output`` is relative to the output folder."""

    token: str
    job: Job
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished:
    """A picture is published. ``artwork`` is None when a finished picture of the same key was copied."""

    token: str
    job: Job
    key: str
    output: str
    attempts: int
    artwork: Artwork | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed:
    """A job did not produce a picture; ``state`` is its state in the ledger now.

    ``photo_set_aside``: its photo is to blame, which a PhotoSetAside says once for all pictures of that photo. Such a
    picture does not count as a failed one.
    """

    token: str
    job: Job
    key: str
    output: str
    attempts: int
    state: JobState
    reason: str
    photo_set_aside: bool = False


@dataclass(frozen=True, slots=True)
class OriginalMoved:
    """A photo whose pictures are all made was moved out of the input folder, to the absolute path ``target``."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class OriginalsStay:
    """Finished photos can't be moved (emitted once a pass); they stay where they are until they can."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with ``photos`` photos, None = with all in the input folder.

    Their pictures by what became of them; those of the ``photos_set_aside`` are ``set_aside``, and not ``given_up``.
    The ``rejected`` ones are not among those that are ``done``.
    """

    photos: int | None = None
    photos_set_aside: int = 0
    set_aside: int = 0
    done: int = 0
    failed: int = 0
    given_up: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A pass is over; ``left`` jobs are still pending.

    ``finished``, ``copied``, ``failed`` and ``left`` count pictures, ``counts`` all pictures by their state.
    ``photos_set_aside`` counts photos that were quarantined in this pass; their pictures are not ``failed`` ones.
    ``interrupted``: it was stopped by a signal; ``planned_end``: by the schedule or the command line. ``slots_used``
    of ``slots_offered``: how full the engine's batches were, see :class:`Occupancy`. ``incomplete``: the files that
    are incomplete at its end, of very many only some. ``standing``: if there was nothing to do, how it stands
    with the photos that the pass was about. ``photos_skipped``: see :class:`PhotosSkipped`. ``notes``: what is to be
    said of the pictures together, each a sentence without its dot.
    """

    run_id: str
    finished: int
    copied: int
    failed: int
    left: int
    interrupted: bool
    seconds: float
    cache_hits: int
    cache_misses: int
    slots_used: int = 0
    slots_offered: int = 0
    planned_end: bool = False
    reason: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    incomplete: tuple[IncompleteFile, ...] = ()
    photos_set_aside: int = 0
    standing: Standing | None = None
    photos_skipped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchNotice:
    """What a daemon is doing, in a sentence for its user; between runs or during one.

    ``watching``: it receives file events. ``polling``: it scans by itself. ``paused``: it waits until a problem
    outside of it is solved. ``resumed``: it is solved; ``paused`` follows if there is another one. ``resting``: its
    schedule allows no pictures now. ``working``: it does again. ``reloaded``: its config file was read again; then,
    if anything changed, what that makes again.
    ``refused``: the new config can't be used, the old one stays in use. ``stopped``: it was told to end.
    """

    kind: Literal["watching", "polling", "paused", "resumed", "resting", "working", "reloaded", "refused", "stopped"]
    text: str


RunEvent = (
    RunStarted
    | BacklogChanged
    | PhotoSetAside
    | PhotosSkipped
    | NetworkLoading
    | JobStarted
    | Progress
    | EvaluationShare
    | SnapshotSaved
    | PreviewSaved
    | Remark
    | JobFinished
    | JobFailed
    | OriginalMoved
    | OriginalsStay
    | RunFinished
    | WatchNotice
)
