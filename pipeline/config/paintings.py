"""The paintings of a style: one or several, by weights, each at its own scale. Owns their forms in a config.

A painting may be there several times, at different scales: then coarse and fine strokes of it come together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Tag

from pipeline.config import field_types as f
from pipeline.config.section import Section

#: A painting's size relative to the picture's.
Scale = Annotated[f.Factor, Field(le=1000)]


@dataclass(frozen=True, slots=True)
class PaintingChoice:
    """A painting that a style names, with its share and its scale, by which the style's is multiplied."""

    path: Path
    weight: float = 1.0
    scale: float = 1.0


def _refuse_away(weight: Any) -> Any:
    if isinstance(weight, int | float) and not isinstance(weight, bool) and weight <= 0:
        reason = "no picture can be painted away from a painting: " if weight < 0 else ""
        raise ValueError(f"must be above 0, found {weight}; {reason}leave it out")
    return weight


Weight = Annotated[f.PositiveWeight, BeforeValidator(_refuse_away)]


class ShareSection(Section):
    """A painting's part in a blend."""

    weight: Weight = Field(1.0, description="The painting's share, relative to the others'.")
    scale: Scale = Field(1.0, description="Times the style's scale: smaller gives finer strokes of this painting.")


class PaintingSection(ShareSection):
    """A painting in a list, with its part in a blend."""

    painting: f.PaintingPath = Field(description="The painting's image file.")


Share = Annotated[
    Annotated[ShareSection, Tag(f.MAPPING_TAG)] | Annotated[Weight, Tag(f.PLAIN_TAG)],
    f.one_of_forms("a weight, or {weight: 0.3, scale: 0.5}"),
]
ListedPainting = Annotated[
    Annotated[PaintingSection, Tag(f.MAPPING_TAG)] | Annotated[f.PaintingPath, Tag(f.PLAIN_TAG)],
    f.one_of_forms("a file, or {painting: FILE, weight: 0.3, scale: 0.5}"),
]
Paintings = Annotated[
    Annotated[dict[f.PaintingPath, Share], Field(min_length=1), Tag(f.MAPPING_TAG)]
    | Annotated[tuple[ListedPainting, ...], Field(min_length=1), Tag(f.LIST_TAG)],
    f.one_of_forms("a list of files, or a mapping of files to weights"),
]


def choices_of(paintings: Mapping[Path, Any] | Sequence[Any]) -> tuple[PaintingChoice, ...]:
    """Return validated paintings in one form, in the order of the file."""
    if isinstance(paintings, Mapping):
        return tuple(_choice(path, share) for path, share in paintings.items())
    return tuple(_choice(getattr(entry, "painting", entry), entry) for entry in paintings)


def _choice(path: Path, share: object) -> PaintingChoice:
    if isinstance(share, ShareSection):
        return PaintingChoice(path, share.weight, share.scale)
    return PaintingChoice(path, share) if isinstance(share, float) else PaintingChoice(path)


def refuse_repeated(paintings: Any, folder: Path) -> Any:
    """Return paintings as a file has them. Raises ValueError if one is there twice at the same scale."""
    seen = set()
    for text, scale in _named(paintings):
        try:
            meant = (f.resolve(text, folder), scale)
        except ValueError:  # reported where it is
            continue
        if meant in seen:
            raise ValueError(
                f"must name each painting once, found {text!r} again; FILE: WEIGHT gives one more weight, and a list "
                f"may have it again at another scale"
            )
        seen.add(meant)
    return paintings


def _named(paintings: Any) -> Iterator[tuple[str, float]]:
    """Yield the files and scales that are written, as far as they can be understood."""
    entries = list(paintings.items()) if isinstance(paintings, dict) else []
    if isinstance(paintings, list):
        entries = [(entry.get("painting") if isinstance(entry, dict) else entry, entry) for entry in paintings]
    for text, share in entries:
        scale = share.get("scale", 1.0) if isinstance(share, dict) else 1.0
        if isinstance(text, str) and isinstance(scale, int | float):
            yield text, scale


def written_paintings(paintings: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    """Return paintings (file, weight, scale) as a style has them: under ``painting``, or under ``paintings``."""
    shares = [_written_share(weight, scale) for _, weight, scale in paintings]
    files = [file for file, _, _ in paintings]
    if shares == [1.0]:
        return {"painting": files[0]}
    if len(set(files)) == len(files):
        return {"paintings": dict(zip(files, shares, strict=True))}
    return {"paintings": [_listed(file, share) for file, share in zip(files, shares, strict=True)]}


def _listed(file: str, share: Any) -> Any:
    if share == 1:
        return file
    return {"painting": file} | (share if isinstance(share, dict) else {"weight": share})


def _written_share(weight: float, scale: float) -> Any:
    return weight if scale == 1 else ({} if weight == 1 else {"weight": weight}) | {"scale": scale}
