"""A folder of photos, its owner, and the program's own record, small and fast enough for thousands of lives.

The owner drops, replaces, renames and deletes photos, slowly or at once, at any time; edits and throws away pictures;
unmounts the disk. What the owner knows is the :class:`Model`; :mod:`tests.faults.truth` compares it with the disk.
Real are the intake, the ledger, the runner, the worker and every file; only the engine is not: it inverts the photo
and marks the lower half with its style's color, so that every picture shows what it was made of.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config import Config, load_config
from pipeline.config.settings import folder_settings, ingest_settings, pass_settings
from pipeline.errors import StorageError
from pipeline.failpoints import failpoint_listener
from pipeline.ledger import Ledger, ledger_exists
from pipeline.runner.cleaning.deletion import Deletion
from pipeline.runner.cleaning.survey import survey
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import ResolvedConfig, ledger_file, resolve_config, source_of
from tests.fakes import write_painting
from tests.faults.painters import FOREIGN, STYLES, Killed, MeddledExecutor, photo_bytes

NAMES = ("a.png", "A.png", "b.png", "sub/a.png")
PAPERS = ("a--night.png", "b--day.png", "sub/a--night-2.png", "notes.txt")
Happening = tuple[Any, ...]


def photo_named(kept: str) -> str:
    """Return the path that an original had before it was moved, perhaps to a numbered name."""
    return re.sub(r"(-\d+)?\.png$", ".png", kept)


@dataclass
class Model:
    """What the owner of the folders knows."""

    photos: dict[str, int] = field(default_factory=dict)
    history: dict[str, set[int]] = field(default_factory=dict)
    writing: dict[str, int] = field(default_factory=dict)
    papers: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    discarded: set[str] = field(default_factory=set)
    cleaned: set[str] = field(default_factory=set)
    styles: str = "night"
    mounted: bool = True
    now: float = 1_700_000_000.0
    ticks: int = 0


_CONFIG = """
input: {{folder: in, settle_seconds: 2, originals: {originals}}}
output: {{folder: out, min_free_disk: 0, format: png}}
styles: [{styles}]
recipes: {{default: {{size: 16, scales: 1}}}}
state: {{retry_seconds: 60, max_retry_seconds: 600}}
"""


class World:
    """One example's folders. ``mode``: where originals go: "keep", "same" or "other" file system."""

    _settled: dict[tuple[Path, str, str], tuple[Config, ResolvedConfig]] = {}  # noqa: RUF012 - shared by all examples

    def __init__(self, root: Path, elsewhere: Path, mode: str) -> None:
        self.root, self.elsewhere, self.mode = root, elsewhere, mode
        self._alive = True
        self.photos, self.out = root / "in", root / "out"
        self.kept = elsewhere / "kept" if mode == "other" else root / "kept"
        self.model = Model()
        for folder in (self.photos, self.out, self.kept, root / "unmounted"):
            shutil.rmtree(folder, ignore_errors=True)
        self.photos.mkdir()
        self.out.mkdir()
        if not (root / "night.jpg").exists():
            for style, mark in STYLES.items():
                write_painting(root / f"{style}.jpg", mark)

    def settled(self) -> tuple[Config, ResolvedConfig]:
        key = (self.root, self.mode, self.model.styles)
        if key not in self._settled:
            styles = ", ".join(f"{{name: {name}, painting: {name}.jpg}}" for name in self.model.styles.split("+"))
            originals = "keep" if self.mode == "keep" else f"{{move: '{self.kept}'}}"
            path = self.root / "stylewatch.yaml"
            path.write_text(_CONFIG.format(styles=styles, originals=originals), encoding="utf-8")
            config = load_config(path)
            self._settled[key] = config, resolve_config(config)
        return self._settled[key]

    def ledger(self) -> Ledger:
        config, _ = self.settled()
        return Ledger.open(
            ledger_file(folder_settings(config)), source_of(folder_settings(config)), lambda: self.model.now
        )

    # --- the program --------------------------------------------------------------------------------------

    def run(
        self,
        happenings: list[Happening],
        at_once: int,
        look: Callable[[Ledger], None],
        where: tuple[str, int] | None = None,
    ) -> None:
        """Make a pass during which the ``happenings`` happen one by one; ``look`` at the ledger afterwards.

        At the n-th passage of the fail point ``where`` it dies.
        """
        config, resolved = self.settled()
        left = list(happenings)

        def meddle() -> bool:
            """Let the next thing happen; True if it is a stop."""
            if not left:
                return False
            if left[0] == ("stop",):
                the_pass.stop()
            self.happen(left.pop(0))
            return the_pass._stopped

        self._alive = True
        with contextlib.ExitStack() as stack:
            if where:
                stack.enter_context(failpoint_listener(self._deadly(*where)))
            ledger = stack.enter_context(self.ledger())
            self._open = ledger
            executor = MeddledExecutor(meddle, self._die, at_once)
            the_pass = SinglePass(pass_settings(config), resolved, ledger, executor, lambda _: None)
            try:
                the_pass.run(
                    lambda sleep: ingest(ingest_settings(config), resolved, ledger, sleep=lambda _: meddle())
                )
                look(ledger)
            except StorageError:
                assert not self.model.mounted, "the only trouble there is"
            except BaseException:
                # Whatever cleans up after a death finds neither the ledger nor the folders, and complains.
                if self._alive:
                    raise
        self._resurrect()

    def clean(self, where: str | None) -> None:
        """Delete what is needed no more; at the fail point ``where`` it dies."""
        config, resolved = self.settled()
        folders = folder_settings(config)

        def opened() -> Ledger:
            self._open = self.ledger()
            return self._open

        self._alive = True
        with contextlib.ExitStack() as stack:
            if where:
                stack.enter_context(failpoint_listener(self._deadly(where, 1)))
            try:
                has_ledger = ledger_exists(ledger_file(folders))
                found = survey(folders, ingest_settings(config), resolved, has_ledger=has_ledger)
                self.model.cleaned |= {entry.picture.output for entry in found.withdrawn}
                Deletion(self.out).run(found, opened)
            except StorageError:
                assert not self.model.mounted, "the only trouble there is"
            except BaseException:
                if self._alive:
                    raise
        self._resurrect()

    def contents(self) -> dict[str, bytes]:
        """Return what is in each picture."""
        return {name: (self.out / name).read_bytes() for name in self.pictures()}

    def _deadly(self, place: str, passage: int) -> Callable[[str], None]:
        passages = 0

        def listen(name: str) -> None:
            nonlocal passages
            passages += name == place
            if self._alive and name == place and passages == passage:
                if threading.current_thread() is threading.main_thread():
                    self._die()
                raise Killed

        return listen

    def _die(self) -> None:
        """Let the disk be as it is now, whatever anybody still does: the program is dead, but for its exceptions."""
        if self._alive:
            self._alive = False
            self._open._store.connection.close()
            self.root.rename(f"{self.root}-dead")
            self.elsewhere.rename(f"{self.elsewhere}-dead")

    def _resurrect(self) -> None:
        if not self._alive:
            for folder in (self.root, self.elsewhere):
                shutil.rmtree(folder, ignore_errors=True)
                Path(f"{folder}-dead").rename(folder)

    # --- its owner ----------------------------------------------------------------------------------------

    def happen(self, happening: Happening) -> None:
        """Let one thing happen; what can't happen now doesn't."""
        name, *parameters = happening
        getattr(self, f"_{name}")(*parameters)

    def _tick(self) -> int:
        """Return a new time for a file: a pass takes less than a file system's clock needs to move."""
        self.model.ticks += 1
        return 1_700_000_000_000_000_000 + self.model.ticks * 1_000_000

    def _know(self, path: str, content: int) -> None:
        self.model.photos[path] = content
        self.model.history.setdefault(path, set()).add(content)
        self.model.writing.pop(path, None)

    def _drop(self, path: str, content: int, how: str) -> None:
        if not self.model.mounted:
            return
        file = self.photos / path
        file.parent.mkdir(exist_ok=True)
        written = file if how == "in place" else self.photos / "new.part"
        written.write_bytes(photo_bytes(content))
        # Copies keep their originals' time, and some of them come from the future.
        time = {"old": 1_000_000_000_000_000_000, "future": 4_000_000_000_000_000_000}.get(how) or self._tick()
        os.utime(written, ns=(time, time))
        written.replace(file)
        self._know(path, content)

    def _begin(self, path: str, content: int, how: str) -> None:
        if not self.model.mounted or content == FOREIGN:
            return
        data = photo_bytes(content)
        file = self.photos / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data[: len(data) // 2] if how == "half" else bytes(len(data)))
        time = self._tick()
        os.utime(file, ns=(time, time))
        self.model.photos.pop(path, None)
        self.model.writing[path] = content

    def _finish(self, path: str) -> None:
        if self.model.mounted and path in self.model.writing:
            self._drop(path, self.model.writing[path], "in place")

    def _delete(self, path: str) -> None:
        if self.model.mounted and (self.photos / path).exists():
            (self.photos / path).unlink()
            self.model.photos.pop(path, None)
            self.model.writing.pop(path, None)

    def _rename(self, path: str, other: str) -> None:
        if self.model.mounted and path in self.model.photos and path != other and (self.photos / path).exists():
            (self.photos / other).parent.mkdir(exist_ok=True)
            (self.photos / path).replace(self.photos / other)
            self._know(other, self.model.photos.pop(path))

    def _touch(self, path: str) -> None:
        if self.model.mounted and (self.photos / path).exists():
            time = self._tick()
            os.utime(self.photos / path, ns=(time, time))

    def _bring_back(self, number: int) -> None:
        """Take an original that was moved away back into the folder."""
        if self.model.mounted and self.model.kept:
            name = sorted(self.model.kept)[number % len(self.model.kept)]
            path = photo_named(name)
            if not (self.photos / path).exists() and (self.kept / name).exists():
                (self.photos / path).parent.mkdir(exist_ok=True)
                shutil.move(self.kept / name, self.photos / path)
                self._know(path, self.model.kept.pop(name))

    def _paper(self, name: str) -> None:
        """Put a file of the owner's among the pictures, or write over one."""
        (self.out / name).parent.mkdir(exist_ok=True)
        self.model.papers[name] = b"the owner's %d" % self._tick()
        (self.out / name).write_bytes(self.model.papers[name])

    def pictures(self) -> list[str]:
        """Return all files among the pictures but the program's memory and the gallery's copies."""
        files = (Path(folder, name) for folder, _, names in os.walk(self.out) for name in names)
        names = (file.relative_to(self.out).as_posix() for file in files)
        return sorted(name for name in names if not name.startswith((".stylewatch/", "gallery/")))

    def _edit(self, number: int) -> None:
        if names := [name for name in self.pictures() if not name.endswith(".part")]:
            self._paper(names[number % len(names)])

    def _discard(self, number: int) -> None:
        names = [name for name in self.pictures() if name not in self.model.papers and not name.endswith(".part")]
        if names:
            (self.out / names[number % len(names)]).unlink()
            self.model.discarded.add(names[number % len(names)])

    def _restyle(self, styles: str) -> None:
        self.model.styles = styles

    def _retry(self) -> None:
        with self.ledger() as ledger:
            ledger.jobs.retry()

    def _clock(self, seconds: float) -> None:
        self.model.now += seconds

    def _unmount(self) -> None:
        if self.model.mounted:
            self.photos.rename(self.root / "unmounted")
            self.model.mounted = False

    def _mount(self) -> None:
        if not self.model.mounted:
            (self.root / "unmounted").rename(self.photos)
            self.model.mounted = True

    def _stop(self) -> None:
        """Only in a pass: see :meth:`run`."""


def memory_folder() -> Path:
    """Return a new folder in memory, if there is such a thing here: a pass then takes milliseconds."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="stylewatch-", dir=memory if memory.is_dir() else None))
