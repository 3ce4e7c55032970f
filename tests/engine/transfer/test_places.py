"""What a mask's colors mean for a picture: which style is where, and what stays the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.engine.events import Places, Request
from pipeline.engine.transfer.places import PaintedPlaces, painted_places
from pipeline.model import Painting, Recipe, Region, Style


def style(name: str, *regions: Region) -> Style:
    return Style(name, (Painting(Path(f"{name}.jpg"), name.ljust(64, "0")),), regions=regions)


NIGHT, WAVE = style("night"), style("wave")
WHOLE = Places()


def row(*values: float) -> npt.NDArray[np.float32]:
    return np.array([values], dtype=np.float32)


def found(places: Places | None, *regions: Region) -> PaintedPlaces | None:
    photo = np.zeros((1, 3, 3), dtype=np.uint8)
    return painted_places(Request("t", photo, style("mixed", *regions), Recipe(), places=places))


def listed(tensor: Any) -> list[list[float]]:
    return [share[0].tolist() for share in tensor[0]]


def test_nothing_differs_without_a_mask_and_without_faces() -> None:
    assert found(None) is None
    assert found(WHOLE, Region("white", NIGHT), Region("black", WAVE)) is None


def test_faces_alone_leave_the_whole_picture_to_its_own_style() -> None:
    places = found(Places(guarded=row(0, 0.5, 1)), Region("white", NIGHT), Region("black", WAVE))
    assert places is not None
    assert [each.name for each in places.styles] == ["mixed"]
    assert (listed(places.painted), places.kept) == ([[1, 1, 1]], None)
    assert places.guarded is not None
    assert listed(places.guarded) == [[0, 0.5, 1]]


def test_each_style_has_its_regions_and_the_first_the_rest() -> None:
    regions = Region("white", NIGHT), Region("black", WAVE), Region("red", NIGHT), Region("blue", None)
    places = found(Places((row(0, 0, 0.25), row(0.5, 0, 0), row(0.25, 0, 0), row(0.25, 0.75, 0))), *regions)
    assert places is not None
    assert places.styles == (NIGHT, WAVE)
    assert listed(places.painted) == [[0.25, 0.25, 1], [0.5, 0, 0]]
    assert places.kept is not None
    assert listed(places.kept) == [[0.25, 0.75, 0]]


def test_a_style_without_a_place_is_left_out() -> None:
    places = found(Places((row(0, 0, 0), row(1, 1, 1))), Region("white", NIGHT), Region("black", WAVE))
    assert places is not None
    assert (places.styles, listed(places.painted), places.kept) == ((WAVE,), [[1, 1, 1]], None)
    places = found(Places((row(1, 1, 1), row(0, 0, 0))), Region("white", NIGHT), Region("black", None))
    assert places is not None
    assert (places.styles, places.kept) == ((NIGHT,), None)


def test_a_photo_that_is_kept_as_a_whole_is_painted_nowhere() -> None:
    places = found(Places((row(0, 0, 0), row(1, 1, 1))), Region("white", NIGHT), Region("black", None))
    assert places is not None
    assert places.nothing_is_painted
    assert places.styles == (NIGHT,)
