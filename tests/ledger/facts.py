"""Facts of an imagined picture."""

from __future__ import annotations

from typing import Any

from pipeline.ledger import PictureFacts
from pipeline.model import Losses, LossHistory, LossPoint

SERIES = ("content relu4_2", "style relu1_1", "style relu2_1")


def history(*evaluations: int, series: tuple[str, ...] = SERIES) -> LossHistory:
    """Return a history of so many evaluations at each scale."""
    points, count = [], 0
    for scale_index, of_scale in enumerate(evaluations):
        for _ in range(of_scale):
            count += 1
            layers = tuple((count + place) / 8 for place in range(len(series)))
            points.append(LossPoint(count, scale_index, sum(layers), 0.0, layers))
    return LossHistory(series, tuple(points))


def facts(**changes: Any) -> PictureFacts:
    fields = {
        "width": 512,
        "height": 384,
        "sizes": (256, 512),
        "iterations": (50, 40),
        "first": Losses(0.0, 1.0, 1.5),
        "last": Losses(0.25, 0.125, 0.5),
        "seconds": 12.5,
        "device": "cpu (2 threads, float32)",
        "cache_hits": 1,
        "cache_misses": 2,
        "photo_sha256": "f" * 64,
        "program": "stylewatch 0.1.0",
        "notes": ("its color profile was ignored",),
        "settings": {"recipe": {"size": 700}, "style": {"scale": 1.0, "paintings": []}, "weights": "embedded:0"},
        "history": history(3, 2),
    }
    return PictureFacts(**{**fields, **changes})
