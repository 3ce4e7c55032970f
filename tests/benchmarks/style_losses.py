"""(m) Style losses: how near each of them comes to painting and photo, in which time, and pictures to look at.

All pictures are measured by the same distances: of Gram matrices at the style layers from the painting's; of Gram
matrices and of features' Gaussians (Wasserstein-2) at layers that no loss has looked at, so that none judges itself;
and of features at relu4_2 from the photo's. All are relative. Each pair of a photo and a
painting is worked on by all losses in turn, in one process on one thread, and times are the processor's: so programs
beside it hardly count. With ``--into FOLDER`` the pictures are kept there, as PHOTO--PAINTING--LOSS.png.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Final

import numpy as np
import torch
from PIL import Image, ImageOps

from pipeline import StyleTransfer
from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.geometry import to_tensor
from pipeline.engine.transfer.statistics.moments import moments_of
from pipeline.engine.transfer.statistics.wasserstein import Wasserstein
from pipeline.images.decode import decode_painting, fit
from pipeline.model import DEFAULT_CONTENT_LAYERS, DEFAULT_STYLE_LAYERS, WeightsChoice
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row

TITLE = "m. Style losses"

_UNSEEN: Final = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_2")

LOSSES: Final[Mapping[str, Any]] = {
    "gram": "gram",
    "mean_std": "mean_std",
    "wasserstein": "wasserstein",
    "sliced_wasserstein": "sliced_wasserstein",
    "gram and mean_std": {"gram": 0.5, "mean_std": 0.5},
    "gram and wasserstein": {"gram": 0.5, "wasserstein": 0.5},
}


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a pair by one loss: distances, evaluations at all sizes, seconds of the processor."""

    distances: Distances
    evaluations: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Distances:
    """How far a picture is from its painting, and from its photo (``content``).

    ``unseen_gram``, ``unseen_gaussians``: at layers that no recipe here compares.
    """

    gram: float
    unseen_gram: float
    unseen_gaussians: float
    content: float


def rows(subjects: Subjects) -> list[Row]:
    """Return a row for each loss: the means over all pairs."""
    judge = Judge()
    found: dict[str, list[Made]] = {name: [] for name in LOSSES}
    with StyleTransfer(device="cpu") as transfer, on_threads(1):
        for photo, painting in pairs(subjects):
            for name, loss in LOSSES.items():
                pixels, evaluations, seconds = _made(transfer, photo, painting, size=subjects.size, style_loss=loss)
                found[name].append(Made(judge.distances(pixels, photo, painting), evaluations, seconds))
                subjects.tell(f"{photo.name} in {painting.name} by {name}: {found[name][-1]}")
                if subjects.pictures is not None:
                    subjects.pictures.mkdir(parents=True, exist_ok=True)
                    name_of_file = f"{photo.stem}--{painting.stem}--{name.replace(' ', '-')}.png"
                    Image.fromarray(pixels).save(subjects.pictures / name_of_file)
    return [_row(name, each, found["gram"]) for name, each in found.items()]


def pairs(subjects: Subjects) -> Iterator[tuple[Path, Path]]:
    """Return each photo with a painting, and each painting with a photo, in their orders."""
    photos, paintings = subjects.photos, subjects.paintings
    for number in range(1 if subjects.quick else max(len(photos), len(paintings))):
        yield photos[number % len(photos)], paintings[number % len(paintings)]


def _row(name: str, found: list[Made], usual: list[Made]) -> Row:
    gram, unseen_gram, unseen_gaussians, content = (
        mean(each) for each in zip(*(astuple(made.distances) for made in found), strict=True)
    )
    seconds, usual_seconds = (sum(made.seconds for made in each) for each in (found, usual))
    return Row(
        f"{name}: Gram matrices, at unseen layers, Gaussians there; the photo's features",
        f"{gram:.4f}, {unseen_gram:.4f}, {unseen_gaussians:.4f}; {content:.3f}",
        f"{mean(made.evaluations for made in found):.0f} evaluations, {seconds / len(found):.0f} s of the processor",
        f"{seconds / usual_seconds:.2f} of gram's time",
        "1.3, to become the default" if name != "gram" else "",
    )


def _made(transfer: StyleTransfer, photo: Path, painting: Path, **settings: Any) -> tuple[Any, int, float]:
    """Return a picture's pixels, its evaluations at all sizes, and the seconds of the processor that it took."""
    evaluations = 0

    def count(_: object) -> None:
        nonlocal evaluations
        evaluations += 1

    began = time.process_time()
    picture = transfer.stylize(photo, painting, progress=count, **settings)
    return np.asarray(picture), evaluations, time.process_time() - began


class Judge:
    """Measures finished pictures, all by the same distances."""

    def __init__(self) -> None:
        self._style = [layer for layer, _ in DEFAULT_STYLE_LAYERS]
        self._content = [layer for layer, _ in DEFAULT_CONTENT_LAYERS]
        self._network = Network(load_weights(WeightsChoice()), {*self._style, *self._content, *_UNSEEN})

    def distances(self, pixels: Any, photo: Path, painting: Path) -> Distances:
        """Return how far a picture is from its painting and from its photo."""
        long_side = max(pixels.shape[:2])
        with Image.open(photo) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            original = np.asarray(upright.resize(pixels.shape[1::-1], Image.Resampling.LANCZOS))
        wanted = Image.fromarray(decode_painting(painting))
        wanted = wanted.resize(fit(wanted.size, long_side), Image.Resampling.LANCZOS)
        with torch.no_grad():
            of_picture, of_photo, of_painting = (
                self._network.features(to_tensor(each)) for each in (pixels, original, np.asarray(wanted))
            )
        return Distances(
            mean(_gram_distance(of_picture[layer], of_painting[layer]) for layer in self._style),
            mean(_gram_distance(of_picture[layer], of_painting[layer]) for layer in _UNSEEN),
            mean(_gaussian_distance(of_picture[layer], of_painting[layer]) for layer in _UNSEEN),
            mean(_relative(of_picture[layer], of_photo[layer]) for layer in self._content),
        )


def _gram_distance(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return _relative(moments_of(found).second, moments_of(wanted).second)


def _gaussian_distance(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Return the squared Wasserstein-2 distance of two layers' Gaussians by the painting's mean square."""
    gaussians, moments = Wasserstein(), moments_of(wanted)
    distance = gaussians.loss(gaussians.of(found), gaussians.target(moments)[None], "gatys") * found.shape[1]
    return float(distance / moments.second.diagonal().sum())


def _relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).square().sum() / wanted.square().sum())
