"""What disagrees about a file, and who is probably wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tests.corpus.metadata_readers import FileMetadata
from tests.corpus.readings import CELLS, Grid, OwnReading, Reading, Size

Verdict = Literal["we", "perhaps we", "others", "unknown"]

#: What each verdict says, in the order of harm.
VERDICTS: Final[dict[Verdict, str]] = {
    "we": "we are probably wrong",
    "perhaps we": "one decoder against us",
    "unknown": "decoders disagree",
    "others": "another is alone",
}

#: Kinds of disagreements, in the order in which they are shown.
KINDS: Final = (
    "crash",
    "time",
    "memory",
    "we refuse",
    "incomplete, but read",
    "orientation",
    "size",
    "colors",
    "metadata",
    "others refuse",
)

_TRANSPOSITIONS: Final[dict[str, Callable[[Grid], Grid]]] = {
    "mirrored": lambda grid: grid[:, ::-1],
    "turned by 180°": lambda grid: grid[::-1, ::-1],
    "upside down and mirrored": lambda grid: grid[::-1],
    "transposed": lambda grid: grid.transpose(1, 0, 2),
    "turned by 90° to the left": lambda grid: grid.transpose(1, 0, 2)[::-1],
    "turned by 90° to the right": lambda grid: grid.transpose(1, 0, 2)[:, ::-1],
    "transversed": lambda grid: grid.transpose(1, 0, 2)[::-1, ::-1],
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart colors may be, of 255: the mean of the picture, and the mean of any of its cells."""

    mean: float = 4.0
    cell: float = 12.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement about one file."""

    kind: str
    verdict: Verdict
    detail: str


def compare(
    own: OwnReading, others: Mapping[str, Reading], metadata: FileMetadata | None, tolerance: Tolerance = Tolerance()
) -> list[Finding]:
    """Return all that disagrees about a file."""
    if own.failure:
        return [Finding(own.failure, "we", own.refusal)]
    if not own.reads:
        return _refused(own, others)
    found = _called_incomplete(own)
    if others and not any(other.reads for other in others.values()):
        found.append(Finding("others refuse", "unknown", _said(others, lambda other: other.refusal)))
    found += _different(own, others, tolerance)
    if not found or found[-1].kind not in {"size", "orientation"}:
        found += _other_metadata(own, others, metadata)
    return found


def grids_differ(one: Grid, other: Grid, tolerance: Tolerance) -> bool:
    """Tell whether two pictures have different colors."""
    mean = np.abs(one.mean((0, 1)) - other.mean((0, 1))).max()
    return bool(mean > tolerance.mean or np.abs(one - other).max() > tolerance.cell)


def _refused(own: OwnReading, others: Mapping[str, Reading]) -> list[Finding]:
    clean = {name: other for name, other in others.items() if other.is_clean}
    readable = clean or {name: other for name, other in others.items() if other.reads}
    if not readable:
        return []
    words = f"{own.refusal} | read by {', '.join(readable)}"
    if not clean:
        return [Finding("we refuse", "unknown", f"{words}, with: {_said(readable, lambda other: other.complaint)}")]
    return [Finding("we refuse", "we" if len(clean) > 1 else "perhaps we", words)]


def _called_incomplete(own: OwnReading) -> list[Finding]:
    if own.completeness == "complete":
        return []
    return [Finding("incomplete, but read", "we", own.incomplete_because)]


def _different(own: OwnReading, others: Mapping[str, Reading], tolerance: Tolerance) -> list[Finding]:
    readings = {name: other for name, other in others.items() if other.reads}
    clean = {name: other for name, other in readings.items() if other.is_clean} or readings
    against = {name: other for name, other in clean.items() if not _same(own, other, tolerance)}
    if not against:
        return []
    verdict: Verdict = "others"
    if len(against) == len(clean):
        verdict = "perhaps we"
        if len(against) > 1:
            verdict = "we" if _agree(list(against.values()), tolerance) else "unknown"
    kinds = {name: _difference(own, other, tolerance) for name, other in against.items()}
    kind = min((kind for kind, _ in kinds.values()), key=KINDS.index)
    return [Finding(kind, verdict, "; ".join(f"{name}: {detail}" for name, (_, detail) in kinds.items()))]


def _same(one: Reading, other: Reading, tolerance: Tolerance) -> bool:
    assert one.grid is not None
    assert other.grid is not None
    return one.size == other.size and not grids_differ(one.grid, other.grid, tolerance)


def _agree(readings: list[Reading], tolerance: Tolerance) -> bool:
    return all(_same(readings[0], other, tolerance) for other in readings[1:])


def _difference(own: Reading, other: Reading, tolerance: Tolerance) -> tuple[str, str]:
    """Return the kind of the difference between two readings that are not the same, and the words for it."""
    assert own.grid is not None
    assert other.grid is not None
    assert own.size is not None
    if grids_differ(own.grid, other.grid, tolerance):
        for words, transposed in _TRANSPOSITIONS.items():
            if not grids_differ(transposed(own.grid), other.grid, tolerance):
                return "orientation", f"ours {words}"
    if own.size != other.size:
        kind = "orientation" if own.size == _turned(other.size) else "size"
        return kind, f"ours {_by(own.size)}, there {_by(other.size)}"
    return "colors", _apart(own.grid, other.grid)


def _apart(own: Grid, other: Grid) -> str:
    apart = np.abs(own - other).max(2)
    row, column = divmod(int(apart.argmax()), CELLS)
    return (
        f"mean ours {_color(own.mean((0, 1)))}, there {_color(other.mean((0, 1)))}; "
        f"most {apart.max():.0f} in row {row + 1}, column {column + 1} of {CELLS}"
    )


def _other_metadata(own: OwnReading, others: Mapping[str, Reading], metadata: FileMetadata | None) -> list[Finding]:
    if metadata is None or metadata.size in {None, own.size}:
        return []
    backed = any(other.reads and other.size == own.size for other in others.values())
    words = f"ours {_by(own.size)}, there {_by(metadata.size)}, orientation {metadata.orientation}"
    return [Finding("metadata", "others" if backed else "perhaps we", words)]


def _said(others: Mapping[str, Reading], words: Callable[[Reading], str]) -> str:
    return "; ".join(f"{name}: {words(other)}" for name, other in others.items())


def _turned(size: Size | None) -> Size | None:
    return size and size[::-1]


def _by(size: Size | None) -> str:
    return "?" if size is None else f"{size[0]}×{size[1]}"


def _color(mean: np.ndarray) -> str:
    return "/".join(f"{value:.0f}" for value in mean)
