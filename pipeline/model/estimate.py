"""How long work is expected to take: plain values, which a forecast fills in and the readers of events correct."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEstimate:
    """What a picture of one recipe takes.

    ``evaluations``: expected at each scale. ``shares``: of the picture's time that each scale takes, together 1.
    ``alone_seconds``: with no other picture in progress; ``together_seconds``: with as many as are worked on at once.
    """

    evaluations: tuple[float, ...]
    shares: tuple[float, ...]
    alone_seconds: float
    together_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEstimate:
    """What pictures take, by their recipe's name, and the start of a worker.

    ``is_known``: else this machine was never measured, and of all seconds only their proportions mean something.
    """

    is_known: bool
    start_seconds: float
    pictures_at_once: int
    recipes: dict[str, PictureEstimate] = field(default_factory=dict)
