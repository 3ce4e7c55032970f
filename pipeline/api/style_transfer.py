"""The functions and the class that callers use. Owns the lifetime of network and targets, and who hears of what."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Unpack, overload

import numpy as np
from PIL import Image

from pipeline.api.ordered_run import OrderedRun, ProgressCallback
from pipeline.api.pictures import ImageLike, PaintingLike, PhotoReader, load_painting, style_of, with_image_hash
from pipeline.api.settings import (
    TransferSettings,
    engine_settings,
    max_pixels_of,
    recipe_of,
    with_settings_in_signature,
)
from pipeline.engine.memory.available import available_bytes
from pipeline.errors import JobError, OutOfMemoryError, StylewatchError, UsageError
from pipeline.executors.child import import_stylizer, short_spins
from pipeline.model import EngineSettings, PrecisionKind, PreprocessingKind

if TYPE_CHECKING:
    from pipeline.engine.scheduler.stylizer import Stylizer

#: What the program's messages say of its config and its commands, and what callers from Python know instead.
_WORDS: Final = (
    ("engine.device", "device"),
    ("engine.weights", "weights"),
    ("input.max_megapixels", "max_megapixels"),
    (" in recipe 'default'", ""),
    ("; 'stylewatch retry' tries it again", ""),
)


@with_settings_in_signature
def stylize(
    photo: ImageLike,
    painting: PaintingLike,
    *,
    device: str = "auto",
    weights: str | os.PathLike[str] = "embedded",
    progress: ProgressCallback | None = None,
    **settings: Unpack[TransferSettings],
) -> Image.Image:
    """Return ``photo`` painted in the style of ``painting``.

    Example::

        picture = stylize("cat.jpg", "starry_night.jpg", size=512, content_weight=0.05)
        picture.save("cat--night.jpg", quality=92)

    On two idle CPU cores it takes some 20 seconds at 256 pixels and a minute at 512: up to a quarter longer than the
    program, whose own process keeps memory that it will need again. The network is loaded anew each time; for several
    pictures use :class:`StyleTransfer`.

    Args:
        photo: A file's path, a Pillow image, or a numpy array: (height, width, 3) in RGB order, (height, width, 4)
            with alpha, or (height, width) gray; uint8 from 0 to 255, or floats from 0 to 1, sRGB. Files and images
            are turned by their EXIF orientation and converted to sRGB from their profile. Transparent parts become
            white.
        painting: One painting, in any of these forms, at least 32 pixels wide and high; or a blend: a mapping of
            paths to weights, or a list of paintings, of (painting, weight) or of (painting, weight, scale).
        device: "auto" (cuda, then mps, then cpu), "cpu", "mps", "cuda" or "cuda:N".
        weights: VGG-19's: "embedded", "torchvision", or the path of a .pth or .safetensors file.
        progress: Called after each evaluation with a :class:`~pipeline.model.Progress`, in the calling thread. What
            it raises ends the work and reaches the caller.
        **settings: As in a config's recipe; all are optional.

            quality ("balanced"): or "draft", "fine", "print": sets size, scales, iterations and tolerance, as far as
            they are not given.
            size (512): long side of the picture in pixels, also of a smaller photo; or "12 MP", "original" (the
            photo's own, never larger), "a4 @ 300 dpi", "30x40 cm @ 300 dpi" (fitted into that sheet; the picture's
            ``info["dpi"]`` says these dpi). max_size (0): the most pixels of the long side, 0 = no limit.
            scale (1.0): the painting's size relative to the picture's; smaller gives finer strokes.
            scales (0): how many sizes from coarse to fine, 0 = as many as keep the smallest at 128 or more; or the
            list of long sides, ending in size.
            iterations (150): the most evaluations at each size; one number, or a list with one for each size.
            tolerance (0.04): a size is finished when ten evaluations gain less than this share, at 2048
            pixels four times as much; 0 = never early.
            content_layers, style_layers: names ("relu4_2", Keras' "block4_conv2"), or a mapping of names to weights.
            strength (0.5): how much of the painting, from 0 (a touch) to 1 (the wildest that still shows the photo).
            keep_faces (0.0): how much faces stay as the photo has them, to 1; needs pip install "stylewatch[faces]".
            content_weight (0.02), style_weight (1.0), tv_weight (0.0): more of the photo, the painting, smoothness.
            loss ("relative"): or "gatys", "tensorflow".
            style_loss ("auto"): what is compared with the painting: "gram", "mean_std", "wasserstein" (auto with
            loss="relative"), "sliced_wasserstein", a list of several, or a mapping of them to weights.
            content_loss ("features"): what is kept of the photo; or "self_similarity", or several, alike.
            color ("painting"): whose colors the picture has; or "photo", "match", with color_mix (1.0) between.
            laplacian_weight (0.0): more of the photo's lines, which keeps faces and edges.
            optimizer ("lbfgs"): or "adam", "sgd"; learning_rate (1.0, 0.02, 0.002), learning_rate_decay (1.0),
            adam_betas (0.9, 0.99), as PyTorch's betas.
            ema_decay (0.0): the picture is the running average of what was tried, not the best of it; 0.9 to 0.99.
            init ("content"): what a picture starts from; or "noise" (with seed, 0), "blend" (half of both), "gray",
            "painting", "image" (init_image, a file's path), or several by weights: {"content": 0.7, "noise": 0.3}.
            pooling ("max"): or "average".

    Returns:
        An image in mode RGB, sRGB, of the photo's proportions, its long side as ``size`` says, without metadata. Of
        files it has the very pixels of the program's picture on the same machine, with the same number of threads.

    Raises:
        ConfigError: A setting, device, weights or a blend's weight or scale that can't be; ``problems`` names each.
        PhotoError, CodecError: The photo can't be read or has a wrong type, shape or range.
        PaintingError: The same of a painting.
        DeviceError, WeightsError: There is no such device; the weights are missing or damaged.
        OutOfMemoryError: The picture does not fit into the memory.
        StylizeError: The loss became nan or inf, for example by too large a learning rate.
        All of them are a :class:`~pipeline.errors.StylewatchError` with one sentence.
    """
    with StyleTransfer(device=device, weights=weights) as transfer:
        return transfer.stylize(photo, painting, progress=progress, **settings)


class StyleTransfer:
    """A loaded network, and what it has seen of paintings, for many pictures.

    Example::

        with StyleTransfer(device="cuda") as transfer:
            for photo, picture in zip(photos, transfer.stylize_many(photos, "starry_night.jpg", size=768)):
                picture.save(out / photo.name)

    It works in the calling process and starts no other one; torch's number of threads is left as it is
    (``torch.set_num_threads``), and its other settings are as before after each call. It may be used by several
    threads. After an error, or Ctrl-C, it can be used again.

    Args:
        device, weights: See :func:`stylize`.
        preprocessing: What a weights file expects: "torchvision" (RGB, mean and deviation of ImageNet) or "caffe"
            (BGR, 0 to 255).
        precision: "auto", "float32" or "bfloat16", of the convolutions; auto is bfloat16 on GPUs that have it.
        batch_size: Most pictures worked on at once; 0 = what memory allows, on a CPU one for each thread.
        cache_folder: Keeps what was computed of paintings for the next time, up to 2 GB. None = only in memory.
        max_megapixels: Larger files are refused as decompression bombs.

    Raises:
        ConfigError, DeviceError, WeightsError, CannotRunError (torch can't be loaded), OutOfMemoryError.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        weights: str | os.PathLike[str] = "embedded",
        preprocessing: PreprocessingKind = "torchvision",
        precision: PrecisionKind = "auto",
        batch_size: int = 0,
        cache_folder: str | os.PathLike[str] | None = None,
        max_megapixels: float = 500,
    ) -> None:
        self._engine: Stylizer | None = None
        self._max_pixels = max_pixels_of(max_megapixels)
        settings = engine_settings(
            cache_folder=cache_folder,
            device=device,
            weights=weights,
            preprocessing=preprocessing,
            precision=precision,
            batch_size=batch_size,
        )
        with _in_words_of_python():
            self._engine = _build_engine(settings)
        self._device_name = self._engine.device_name

    @property
    def device_name(self) -> str:
        """What it computes on, for people: "cpu (2 threads, float32), direct"."""
        return self._device_name

    @with_settings_in_signature
    def stylize(
        self,
        photo: ImageLike,
        painting: PaintingLike,
        *,
        progress: ProgressCallback | None = None,
        **settings: Unpack[TransferSettings],
    ) -> Image.Image:
        """Return ``photo`` painted in the style of ``painting``; all else is as for :func:`stylize`."""
        (picture,) = self._run([photo], lambda _index: "photo", painting, settings, progress, go_on=False)
        assert isinstance(picture, Image.Image)
        return picture

    @overload
    def stylize_many(
        self,
        photos: Iterable[ImageLike],
        painting: PaintingLike,
        *,
        return_exceptions: Literal[False] = False,
        progress: ProgressCallback | None = None,
        **settings: Unpack[TransferSettings],
    ) -> Iterator[Image.Image]: ...

    @overload
    def stylize_many(
        self,
        photos: Iterable[ImageLike],
        painting: PaintingLike,
        *,
        return_exceptions: Literal[True],
        progress: ProgressCallback | None = None,
        **settings: Unpack[TransferSettings],
    ) -> Iterator[Image.Image | JobError]: ...

    @with_settings_in_signature
    def stylize_many(
        self,
        photos: Iterable[ImageLike],
        painting: PaintingLike,
        *,
        return_exceptions: bool = False,
        progress: ProgressCallback | None = None,
        **settings: Unpack[TransferSettings],
    ) -> Iterator[Image.Image | JobError]:
        """Return an iterator over the pictures of ``photos``, in their order.

        As many as memory allows are worked on at once (``batch_size``), and photos are read when it is their turn, so
        there may be any number of them. With ``return_exceptions`` a photo that fails gives its error instead of a
        picture, and the others go on; otherwise the error is raised when it is that photo's turn. ``progress`` gets
        the photo's number, from "0", as ``token``. The other arguments and errors are those of :func:`stylize`;
        settings and painting are checked at once.
        """
        is_one = isinstance(photos, np.ndarray) and photos.ndim < 4
        if is_one or isinstance(photos, str | os.PathLike) or not isinstance(photos, Iterable):
            raise UsageError("photos must be several, as in a list; for one use stylize()")
        name = "photos[{}]".format
        return self._run(photos, name, painting, settings, progress, go_on=return_exceptions)

    def _run(
        self,
        photos: Iterable[ImageLike],
        name: Callable[[int], str],
        painting: PaintingLike,
        settings: TransferSettings,
        progress: ProgressCallback | None,
        *,
        go_on: bool,
    ) -> Iterator[Image.Image | JobError]:
        """Check everything but the photos, and return an iterator over their pictures."""
        if self._engine is None:
            raise UsageError("this StyleTransfer is closed; make a new one")
        if progress is not None and not callable(progress):
            raise UsageError("progress must be a function, which gets a Progress")
        recipe, scale = recipe_of(settings)
        with _in_words_of_python():
            recipe, style = with_image_hash(recipe), style_of(painting, scale)
        # Once for all: later, what is in progress takes some of it.
        free = available_bytes() if self._device_name.startswith("cpu") else None
        reader = PhotoReader(recipe, self._max_pixels, math.inf if free is None else free)
        run = OrderedRun(photos, reader.read, style, recipe, name=name, go_on=go_on)
        return _results(run, self._engine, progress)

    def close(self) -> None:
        """Free the network's memory; to be called once it is not needed any more. A second time nothing happens."""
        if self._engine is not None:
            self._engine = None
            from pipeline.engine.cpu.threads import end_helpers
            from pipeline.engine.devices import empty_device_caches

            end_helpers()
            empty_device_caches()

    def __enter__(self) -> StyleTransfer:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _build_engine(settings: EngineSettings) -> Stylizer:
    with short_spins():
        stylizer = import_stylizer()
    from pipeline.engine.isolation import isolated

    try:
        with isolated(tf32=settings.device != "cpu"):
            return stylizer(settings, load_painting)
    except MemoryError as error:
        raise OutOfMemoryError("not enough memory to load the network; free some") from error


def _results(
    run: OrderedRun, engine: Stylizer, progress: ProgressCallback | None
) -> Iterator[Image.Image | JobError]:
    from pipeline.engine.isolation import isolated

    step = partial(isolated, tf32=engine.device_name.startswith("cuda"))
    with _in_words_of_python():
        for result in run.pictures(engine, progress, step):
            if isinstance(result, JobError):
                _reword(result)
            yield result


@contextlib.contextmanager
def _in_words_of_python() -> Iterator[None]:
    try:
        yield
    except StylewatchError as error:
        _reword(error)
        raise


def _reword(error: StylewatchError) -> None:
    """Let an error speak of arguments where it speaks of the config."""
    text = str(error)
    for ours, theirs in _WORDS:
        text = text.replace(ours, theirs)
    error.args = (text,)
