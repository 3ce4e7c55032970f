"""``python -m tests.benchmarks``: measures, prints one table, and writes RESULTS.md."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pipeline.engine import ENGINE_VERSION
from pipeline.executors.child import prepare_for_torch
from tests.benchmarks.processes import Neighbors
from tests.benchmarks.subjects import choose
from tests.benchmarks.table import Section, machine, merge, on_screen, percent

PARTS = {
    "a": "one_picture",
    "b": "folder",
    "c": "rate",
    "d": "outside",
    "e": "waste",
    "f": "memory",
    "g": "feeding",
    "h": "foresight",
    "i": "watching",
    "j": "first_view",
    "k": "gallery",
    "l": "strength",
    "m": "style_losses",
    "n": "large_pictures",
}
RESULTS = Path(__file__).with_name("RESULTS.md")

Files = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--only", default=",".join(PARTS), metavar="LETTERS", help="Only these parts: a,c.")
@click.option("--quick", is_flag=True, help="Smaller numbers, to see that it works; RESULTS.md stays as it is.")
@click.option("--photo", "photos", multiple=True, type=Files, help="Use this photo; may be repeated.")
@click.option("--painting", "paintings", multiple=True, type=Files, help="Use this painting; may be repeated.")
@click.option("--size", type=click.IntRange(min=16), help="Long side of the pictures, in parts that make some.")
@click.option("--into", type=click.Path(path_type=Path), help="Keep the pictures of part m in this folder.")
def benchmark(
    only: str,
    quick: bool,
    photos: tuple[Path, ...],
    paintings: tuple[Path, ...],
    size: int | None,
    into: Path | None,
) -> None:
    """Measure the program, against pastiche and against the machine. Nothing else should run meanwhile."""
    letters = [letter.strip() for letter in only.split(",")]
    if unknown := [letter for letter in letters if letter not in PARTS]:
        raise click.BadParameter(f"there is no part {unknown[0]!r}, only {', '.join(PARTS)}", param_hint="--only")

    def tell(progress: str) -> None:
        console.print(f"[dim]{time.strftime('%H:%M:%S')} {progress}[/dim]")

    with _as_in_a_worker():
        parts: dict[str, Any] = {
            letter: importlib.import_module(f"tests.benchmarks.{PARTS[letter]}") for letter in letters
        }
    command = _command(quick, photos, paintings, size)
    console, sections = Console(width=None if sys.stdout.isatty() else 160), []
    with tempfile.TemporaryDirectory() as temporary:
        for letter in letters:
            tell(f"{parts[letter].TITLE} ...")
            subjects = choose(photos, paintings, Path(temporary) / letter, tell=tell, quick=quick)
            subjects = replace(subjects, wanted_size=size, pictures=into)
            neighbors, rows = Neighbors(), parts[letter].rows(subjects)
            circumstances = f"{_now()}, engine {ENGINE_VERSION}, `{command}`. {_disturbance(neighbors)}"
            section = Section(parts[letter].TITLE, circumstances, tuple(rows))
            sections.append(section)
            if not quick:
                document = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
                RESULTS.write_text(merge(document, machine(), [section]), encoding="utf-8")
    console.print(machine())
    console.print(on_screen(sections))
    for section in sections:
        console.print(f"[dim]{section.title}: {section.circumstances}[/dim]")


@contextlib.contextmanager
def _as_in_a_worker() -> Iterator[None]:
    """Let torch be loaded under a worker's conditions, and hide them from the programs that are started later."""
    before = dict(os.environ)
    prepare_for_torch()
    try:
        import torch  # noqa: F401

        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _command(quick: bool, photos: tuple[Path, ...], paintings: tuple[Path, ...], size: int | None) -> str:
    """Return the command as anybody could type it; only the names of files count."""
    words = ["python -m tests.benchmarks", "--quick" if quick else ""]
    words += [f"--photo {path.name}" for path in photos] + [f"--painting {path.name}" for path in paintings]
    words += [f"--size {size}"] if size else []
    return " ".join(filter(None, words))


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


def _disturbance(neighbors: Neighbors) -> str:
    share = neighbors.share()
    return "" if share is None else f"Other programs used {percent(share)} of the processors meanwhile."


if __name__ == "__main__":
    benchmark()
