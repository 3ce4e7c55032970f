"""Contact sheets for tests, of any settings."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from pipeline.model.trial import ContactSheet, SheetAxis, SheetCell, SheetPhoto


def sheet_of(
    photos: int = 1,
    styles: tuple[str, ...] = ("night",),
    recipes: tuple[str, ...] = ("default",),
    axes: tuple[SheetAxis, ...] = (),
    *,
    picture: Path | None = None,
    size: tuple[int, int] = (60, 40),
) -> ContactSheet:
    places = product(range(photos), styles, recipes, product(*(range(len(axis.values)) for axis in axes)))
    return ContactSheet(
        id="x",
        title="a sheet",
        started=1_750_000_000.0,
        config_name="stylewatch.yaml",
        photos=tuple(
            SheetPhoto(Path(f"photo{number}.jpg"), f"photo{number}.jpg", "ab" * 32) for number in range(photos)
        ),
        axes=axes,
        cells=tuple(
            SheetCell(
                photo=photo, style=style, recipe=recipe, values=values, picture=picture, width=size[0], height=size[1]
            )
            for photo, style, recipe, values in places
        ),
    )


def axis(setting: str, count: int) -> SheetAxis:
    return SheetAxis(setting, tuple(map(str, range(count))))
