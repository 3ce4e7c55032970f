"""``python -m tests.corpus FOLDER``: compares how this program and others decode every file in a folder."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from rich.console import Console

from tests.corpus.compare import Tolerance, compare
from tests.corpus.metadata_readers import MetadataReader, find_metadata_reader
from tests.corpus.own_decoder import Limits, read_own_in_a_process
from tests.corpus.readers import Reader, find_readers
from tests.corpus.readings import Reading
from tests.corpus.report import (
    FileReport,
    changes,
    is_probably_wrong,
    lines_of,
    read_json,
    readings_of_others,
    summary,
    to_json,
)

NO_READER = (
    "nothing to compare with: install ImageMagick, libvips' program vips, or pyvips (pip install 'pyvips[binary]')"
)

Folder = click.Path(exists=True, file_okay=False, path_type=Path)
File = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=Folder)
@click.option(
    "--json", "json_file", type=File, help="Write all that is found, a line for each file, also where all agree."
)
@click.option("--before", type=File, help="An earlier run's JSON: print which files are judged otherwise now.")
@click.option("--reuse", is_flag=True, help="Take from --before what the others read, for the files that it has.")
@click.option("--jobs", default=1, show_default=True, help="Files at once.")
@click.option("--max-bytes", default=200_000_000, show_default=True, help="Leave out larger files.")
@click.option("--sample", type=int, help="Only so many files, chosen by chance, the same in each run.")
@click.option("--long-side", default=512, show_default=True, help="Pixels to which larger pictures are reduced.")
@click.option("--seconds", default=60.0, show_default=True, help="The longest that a file may take us.")
@click.option("--megabytes", default=6144, show_default=True, help="The most memory that a file may take us.")
@click.option("--mean-tolerance", default=4.0, show_default=True, help="How far means may be apart, of 255.")
@click.option("--cell-tolerance", default=12.0, show_default=True, help="The same for a cell of 8 × 8.")
@click.option("--vips-python", default=sys.executable, help="Another Python, in which pyvips is installed.")
def main(
    folder: Path,
    json_file: Path | None,
    before: Path | None,
    reuse: bool,
    jobs: int,
    max_bytes: int,
    sample: int | None,
    long_side: int,
    seconds: float,
    megabytes: int,
    mean_tolerance: float,
    cell_tolerance: float,
    vips_python: str,
) -> None:
    """Compare the decoding of every file in FOLDER with other decoders, and its size with a metadata reader.

    The exit code is 1 if this program is probably wrong about a file, and 2 if there is nothing to compare with.
    """
    readers = list(find_readers(long_side, vips_python))
    if not readers:
        raise click.UsageError(NO_READER)
    paths, too_large = files_in(folder, max_bytes)
    paths = paths[:sample]
    metadata_reader = find_metadata_reader()
    print(_announcement(paths, readers, metadata_reader.name), flush=True)
    if too_large:
        print(f"{len(too_large):,} files of more than {max_bytes:,} bytes left out", flush=True)
    earlier = read_json(before) if before else {}
    limits = Limits(long_side=long_side, seconds=seconds, memory_bytes=megabytes << 20)
    tolerance = Tolerance(mean_tolerance, cell_tolerance)
    judged = partial(judge, folder, readers, metadata_reader, limits, tolerance, known=earlier if reuse else {})
    with ExitStack() as open_readers, ThreadPoolExecutor(jobs) as pool:
        for reader in (*readers, metadata_reader):
            open_readers.callback(reader.close)
        reports = report_all(pool.map(judged, paths), json_file)
    show(reports, earlier)
    sys.exit(any(is_probably_wrong(report) for report in reports))


def _announcement(paths: list[Path], readers: Sequence[Reader], metadata: str) -> str:
    names = ", ".join(reader.name for reader in readers)
    return f"{len(paths):,} files; compared with {names}; sizes with {metadata}"


def report_all(reports: Iterable[FileReport], json_file: Path | None) -> list[FileReport]:
    """Print and write each report as it comes, so that an interrupted run leaves what it has found."""
    told = []
    with open(json_file or os.devnull, "w", encoding="utf-8", buffering=1) as output:  # noqa: PTH123 - no Path
        for report in reports:
            told.append(report)
            output.write(f"{to_json(report)}\n")
            print("".join(f"{line}\n" for line in lines_of(report)), end="", flush=True)
    return told


def files_in(folder: Path, max_bytes: int) -> tuple[list[Path], list[Path]]:
    """Return the files below the folder, and those of them that are too large.

    Their order is of chance, but always the same: a run that is interrupted has seen something of everything.
    """
    paths = sorted((path for path in folder.rglob("*") if path.is_file()), key=partial(_lot, folder))
    large = [path for path in paths if path.stat().st_size > max_bytes]
    return [path for path in paths if path.stat().st_size <= max_bytes], large


def _lot(folder: Path, path: Path) -> bytes:
    return hashlib.sha256(os.fsencode(path.relative_to(folder))).digest()


def judge(
    folder: Path,
    readers: Sequence[Reader],
    metadata_reader: MetadataReader,
    limits: Limits,
    tolerance: Tolerance,
    path: Path,
    *,
    known: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> FileReport:
    """Let all decode a file, and compare. ``known``: files of an earlier run, of which the others are not asked."""
    name = path.relative_to(folder).as_posix()
    own = read_own_in_a_process(path, limits)
    if name in known:
        others = readings_of_others(known[name])
    else:
        others = {reader.name: _read(reader, path) for reader in readers}
    metadata = metadata_reader.read(path)
    kind = (metadata and metadata.format) or path.suffix.lower().removeprefix(".") or "none"
    return FileReport(name, kind, own, others, metadata, compare(own, others, metadata, tolerance))


def _read(reader: Reader, path: Path) -> Reading:
    try:
        return reader.read(path)
    except Exception as error:  # a run of an hour shall not end by what another decoder does with one file
        return Reading(refusal=f"{type(error).__name__}: {error}")


def show(reports: list[FileReport], earlier: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the counts, and what has changed since an earlier run."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    if earlier:
        changed = changes(earlier, reports)
        print(f"\n{len(changed):,} files judged otherwise than before:")
        print("".join(f"{line}\n" for line in changed), end="")
    for table in summary(reports):
        console.print()
        console.print(table)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # exiftool would stay
    main()
