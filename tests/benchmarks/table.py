"""The benchmark's one table: rows, a terminal's view of them, and RESULTS.md with each part's latest measurement."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

_COLUMNS: Final = ("what", "ours", "compared with", "ratio", "goal")
_INTRODUCTION: Final = "Written by `python -m tests.benchmarks`; each part holds its latest measurement.\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement in words; ``ratio`` is how many times better (or which share) ours is, as ``goal`` wants it."""

    what: str
    ours: str
    other: str = ""
    ratio: str = ""
    goal: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row's cells in the order of the columns."""
        return self.what, self.ours, self.other, self.ratio, self.goal


@dataclass(frozen=True, slots=True)
class Section:
    """One part's rows; ``title`` begins with the part's letter, ``circumstances`` tell when and by which command."""

    title: str
    circumstances: str
    rows: tuple[Row, ...]


def times(ours: float, theirs: float) -> str:
    """Return how many times less ``ours`` is than ``theirs``: ``2.41×``."""
    return f"{theirs / ours:.2f}×"


def percent(share: float) -> str:
    """Return a share as ``93.1 %``."""
    return f"{100 * share:.1f} %"


def seconds(duration: float) -> str:
    """Return a duration as ``12.3 s``."""
    return f"{duration:.1f} s"


def on_screen(sections: Sequence[Section]) -> Table:
    """Return all sections as one table."""
    table = Table("part", *_COLUMNS, title="stylewatch, measured", title_justify="left")
    for section in sections:
        letter, _, name = section.title.partition(". ")
        for index, row in enumerate(section.rows):
            table.add_row("" if index else f"{letter}. {name}", *row.cells)
        table.add_section()
    return table


def machine() -> str:
    """Return this machine in a line: processor, cores, memory, Python and torch."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {_memory_gib():.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def merge(document: str, machine: str, sections: Sequence[Section]) -> str:
    """Return RESULTS.md with ``sections``, measured on ``machine``, in place of their namesakes."""
    kept = dict(sections_of(document))
    kept |= {section.title: _as_markdown(section, machine) for section in sections}
    body = "\n".join(kept[title] for title in sorted(kept))
    return f"# Measured\n\n{_INTRODUCTION}\n{body}"


def sections_of(document: str) -> Mapping[str, str]:
    """Return the sections of a RESULTS.md by their titles, each from its headline on."""
    parts = re.split(r"^## (.*)\n", document, flags=re.MULTILINE)
    return {title: f"## {title}\n{text.rstrip()}\n" for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def _as_markdown(section: Section, machine: str) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    lines += [f"| {' | '.join(row.cells)} |" for row in section.rows]
    return f"## {section.title}\n\n{section.circumstances} Machine: {machine}.\n\n" + "\n".join(lines) + "\n"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"^model name\s*: (.*)$", info.read_text("utf-8"), re.MULTILINE)):
        return found[1]
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    if not hasattr(os, "sysconf"):
        return float("nan")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
