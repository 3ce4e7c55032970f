"""Prints what disagrees, counts it by format and kind, and writes all of it as JSON Lines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from tests.corpus.compare import KINDS, VERDICTS, Finding
from tests.corpus.metadata_readers import FileMetadata
from tests.corpus.readings import OwnReading, Reading

SLOW_SECONDS = 5.0
LARGE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class FileReport:
    """All that is known of one file; ``path`` below the folder."""

    path: str
    format: str
    own: OwnReading
    others: Mapping[str, Reading]
    metadata: FileMetadata | None
    findings: Sequence[Finding] = field(default_factory=list)

    @property
    def is_slow_or_large(self) -> bool:
        """Whether decoding takes more time or memory than a photo should."""
        return self.own.seconds > SLOW_SECONDS or self.own.peak_bytes > LARGE_BYTES


def lines_of(report: FileReport) -> list[str]:
    """Return a line for each disagreement, and one if the file takes too much time or memory."""
    lines = [f"{report.path}: {one.kind} ({VERDICTS[one.verdict]}): {one.detail}" for one in report.findings]
    if report.is_slow_or_large:
        lines.append(f"{report.path}: takes {_cost(report.own)}")
    return lines


def summary(reports: Iterable[FileReport]) -> list[Table]:
    """Return the counts by format and by kind."""
    reports = list(reports)
    return [_by_format(reports), _by_kind(reports)]


def _by_format(reports: list[FileReport]) -> Table:
    table = Table("format", title="files", show_edge=False)
    for title in ("files", "we read", "others read", "nobody reads", "disagree", "we are probably wrong"):
        table.add_column(title, justify="right")
    groups = defaultdict(list)
    for report in reports:
        groups[report.format].append(report)
    rows = [(name, groups[name]) for name in sorted(groups, key=lambda name: -len(groups[name]))]
    for name, group in [*rows, ("all", reports)]:
        table.add_row(name, *(f"{count:,}" for count in _counts(group)))
    return table


def _counts(reports: list[FileReport]) -> tuple[int, ...]:
    others = [any(other.reads for other in report.others.values()) for report in reports]
    return (
        len(reports),
        sum(report.own.reads for report in reports),
        sum(others),
        sum(not (report.own.reads or other) for report, other in zip(reports, others, strict=True)),
        sum(bool(report.findings) for report in reports),
        sum(is_probably_wrong(report) for report in reports),
    )


def _by_kind(reports: list[FileReport]) -> Table:
    table = Table("kind", title="disagreements", show_edge=False)
    for words in VERDICTS.values():
        table.add_column(words, justify="right")
    counts = Counter((one.kind, one.verdict) for report in reports for one in report.findings)
    for kind in KINDS:
        if any(found == kind for found, _ in counts):
            table.add_row(kind, *(f"{counts[kind, verdict]:,}" for verdict in VERDICTS))
    return table


def is_probably_wrong(report: FileReport) -> bool:
    """Tell whether this program is probably wrong about the file."""
    return any(one.verdict == "we" for one in report.findings)


def to_json(report: FileReport) -> str:
    """Return all that is known of a file as JSON on one line."""
    return json.dumps(_plain(report), ensure_ascii=False)


def read_json(file: Path) -> dict[str, dict[str, Any]]:
    """Return what an earlier run has written, by path."""
    files = map(json.loads, file.read_text("utf-8").splitlines())
    return {file["path"]: file for file in files}


def readings_of_others(file: Mapping[str, Any]) -> dict[str, Reading]:
    """Return what the other decoders made of a file in an earlier run."""
    return {name: _reading(**plain) for name, plain in file["others"].items()}


def _reading(
    size: list[int] | None, grid: list[Any] | None, refusal: str, complaint: str, mean: object = None
) -> Reading:
    width_and_height = (size[0], size[1]) if size else None
    return Reading(width_and_height, None if grid is None else np.array(grid, np.float32), refusal, complaint)


def changes(earlier: Mapping[str, Any], reports: Iterable[FileReport]) -> list[str]:
    """Return a line for each file about which more, or less, disagrees than in an earlier run."""
    lines = []
    for report in reports:
        then = {(one["kind"], one["verdict"]) for one in earlier.get(report.path, {}).get("findings", [])}
        now = {(one.kind, one.verdict) for one in report.findings}
        if report.path in earlier and then != now:
            lines.append(f"{report.path}: {_worded(then)} → {_worded(now)}")
    return lines


def _worded(findings: set[tuple[str, Any]]) -> str:
    return ", ".join(f"{kind} ({VERDICTS[verdict]})" for kind, verdict in sorted(findings)) or "right"


def _plain(report: FileReport) -> dict[str, Any]:
    return {
        "path": report.path,
        "format": report.format,
        "own": _plain_reading(report.own),
        "others": {name: _plain_reading(other) for name, other in report.others.items()},
        "metadata": report.metadata and asdict(report.metadata),
        "findings": [asdict(one) for one in report.findings],
    }


def _plain_reading(reading: Reading) -> dict[str, Any]:
    plain = {name: getattr(reading, name) for name in reading.__dataclass_fields__}
    if reading.grid is not None:
        plain["grid"] = reading.grid.round().astype(int).tolist()
        plain["mean"] = [round(float(value), 1) for value in reading.grid.mean((0, 1))]
    return plain


def _cost(own: OwnReading) -> str:
    return f"{own.seconds:.1f} seconds and {own.peak_bytes / 1e6:,.0f} MB"
