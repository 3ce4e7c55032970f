"""Jobs, and the events of an executor about them: progress, artworks, failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.model.inputs import Mask, PictureOptions, PreviewOptions, Recipe, Style


@dataclass(frozen=True, slots=True, order=True)
class Job:
    """One picture to make: which photo, in which style, by which recipe."""

    photo: str
    style: str
    recipe: str

    def __str__(self) -> str:
        """Return ``PHOTO × STYLE`` and, if it is not the default one, the recipe, printable everywhere."""
        photo = self.photo.encode("utf-8", "replace").decode("utf-8")
        return f"{photo} × {self.style}" + ("" if self.recipe == "default" else f" ({self.recipe})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A leased job with everything a worker needs; picklable, so that the worker can be another process.

    Below ``photo_folder`` (None = the photo's own folder) no link is followed to the photo.
    ``part_path`` is the temporary file, in the folder of the final picture, that the worker creates and fsyncs.
    ``snapshot_folder`` receives intermediate pictures. ``max_pixels`` bounds width × height of the photo.
    ``checkpoint_path`` is where the unfinished picture's checkpoint is saved; None = nowhere.
    ``previews``: the copies for the gallery; None = none. ``mask``: where which of the style's regions is; None = the
    style has none, or the photo no mask. ``weights``: the id of the network's weights, for the
    picture's metadata; the engine has its own.
    """

    token: str
    job: Job
    key: str
    photo_path: Path
    photo_sha256: str
    style: Style
    recipe: Recipe
    part_path: Path
    picture: PictureOptions = PictureOptions()
    snapshot_folder: Path | None = None
    checkpoint_path: Path | None = None
    max_pixels: int = 500_000_000
    photo_folder: Path | None = None
    previews: PreviewOptions | None = None
    weights: str = ""
    mask: Mask | None = None


#: Gives at most so many assignments, newly leased; none when there is nothing to do now.
JobSource = Callable[[int], Sequence[Assignment]]


@dataclass(frozen=True, slots=True)
class Losses:
    """Weighted losses of one image; ``total`` includes total variation."""

    content: float
    style: float
    total: float


@dataclass(frozen=True, slots=True)
class NetworkLoading:
    """A worker is being started, which loads the network; nothing is in progress until the first Started."""


@dataclass(frozen=True, slots=True)
class Started:
    """The worker has begun this job."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One evaluation of one canvas. ``scale_index`` counts from 0, ``iteration`` from 1."""

    token: str
    scale_index: int
    scale_count: int
    size: int
    iteration: int
    iterations: int
    losses: Losses


@dataclass(frozen=True, slots=True)
class EvaluationShare:
    """How much of the present evaluation of a canvas is done, 0..1; of those that take long, now and then."""

    token: str
    share: float


@dataclass(frozen=True, slots=True)
class SnapshotSaved:
    """An intermediate picture was saved at ``path``."""

    token: str
    path: Path


@dataclass(frozen=True, slots=True)
class PreviewSaved:
    """The gallery's small copy at ``path`` is new: of a picture in progress, or ``finished``, which may be published.

    Only the gallery needs to know.
    """

    token: str
    path: Path
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """A message for people about a job that is in progress; ``token`` "" = about the whole run.

    ``warning``: the user can do something about it.
    """

    token: str
    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How full the engine's batches were since the last such event.

    ``offered`` counts its slots at every evaluation, ``used`` those that held an unfinished picture.
    """

    used: int
    offered: int


@dataclass(frozen=True, slots=True)
class LossPoint:
    """The weighted losses of one evaluation; ``total`` is ``tv`` (total variation) and all ``layers`` together.

    ``evaluation`` counts those of all scales, from 1, ``scale_index`` from 0.
    """

    evaluation: int
    scale_index: int
    total: float
    tv: float
    layers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LossHistory:
    """How the losses of a picture went, over all scales, by evaluations spread evenly over each of them.

    ``series`` names the layers of every point: "content relu4_2", "style relu1_1".
    """

    series: tuple[str, ...]
    points: tuple[LossPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artwork:
    """A finished picture, written to its assignment's ``part_path`` and fsynced, not yet published.

    ``sha256`` is of the written file. ``iterations`` are evaluations a scale. ``first`` and ``last`` are the losses
    of the first and last evaluation at the finest scale. ``seconds`` is the time in the engine and at the files.
    ``history`` is for the ledger; neither journal nor report has it.
    """

    token: str
    sha256: str
    width: int
    height: int
    sizes: tuple[int, ...]
    iterations: tuple[int, ...]
    first: Losses
    last: Losses
    seconds: float
    device: str
    cache_hits: int
    cache_misses: int
    notes: tuple[str, ...] = ()
    history: LossHistory | None = None


class FailureKind(StrEnum):
    """Why a job failed, which decides what happens next."""

    PHOTO = "photo"  # the photo's own fault: quarantined until it changes
    CHANGED = "changed"  # not the content that was claimed: requeued and checked again
    GONE = "gone"  # the photo does not exist any more
    UNREADABLE = (
        "unreadable"  # its photo's file can't be read; tried again, up to max_attempts, if no disk is to blame
    )
    UNWRITABLE = "unwritable"  # its picture's file can't be written; likewise
    ENGINE = "engine"  # tried again, up to max_attempts
    MEMORY = "memory"  # too little was free just then: tried again, costs no attempt
    SIZE = "size"  # too large for the memory, even alone: tried again much later, up to max_attempts
    FORMAT = "format"  # too large for its file's format: given up until its settings change
    CODEC = "codec"  # a library that reads or writes it is missing: tried again, costs no attempt
    MASK = "mask"  # its mask's own fault: given up until the mask changes
    PAINTING = "painting"  # its painting was replaced or can't be read: stops the run, costs no attempt
    STORAGE = "storage"  # disk full, share lost: stops the run, costs no attempt
    CRASH = "crash"  # the worker died: counts towards max_crashes
    REQUEUED = "returned"  # at no cost: the run was stopped, or the worker died before it began


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that produced no picture, with the reason for the user."""

    token: str
    kind: FailureKind
    reason: str


ExecutorEvent = (
    NetworkLoading
    | Started
    | Progress
    | EvaluationShare
    | SnapshotSaved
    | PreviewSaved
    | Remark
    | Occupancy
    | Artwork
    | Failure
)
