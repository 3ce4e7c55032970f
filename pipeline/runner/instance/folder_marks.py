"""Tells which state folder and which output folder belong together. Owns the mark files in both.

Names and hashes in a ledger are those of one folder of pictures. A missing mark means more often that a disk is not
mounted than that the folder is a new one: then no run starts, and the user is asked. The output folder holds
``.stylewatch/output.json`` with an id of its own and the state folders elsewhere that use it; a state folder holds
``pictures.json`` with the path and the id of its output folder.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.durable_files import write_file
from pipeline.errors import LedgerError, StorageError, UsageError
from pipeline.images.publish import storage_error
from pipeline.ledger import LEDGER_NAME
from pipeline.report import heartbeat
from pipeline.runner.instance import known_mounts
from pipeline.runner.instance.lock import HOLDER_NAME, LOCK_NAME, WORKER_LOCK_NAME
from pipeline.runner.instance.relative_paths import are_same, relative_to_folder, resolve_from_folder

STATE_MARK: Final = "pictures.json"
OUTPUT_MARK: Final = Path(".stylewatch", "output.json")

#: What the program itself puts into a state folder ...
_OWN_NAMES: Final = frozenset(
    {LOCK_NAME, HOLDER_NAME, WORKER_LOCK_NAME, heartbeat.FILE_NAME, STATE_MARK, OUTPUT_MARK.name}
    | {"checkpoints", "unpacked", "styles"}
)
#: ... with what SQLite puts beside its file, and what systems put anywhere.
_IGNORED_NAMES: Final = re.compile(
    rf"{re.escape(LEDGER_NAME)}(-\w+)?|\..*|lost\+found|\$RECYCLE\.BIN|System Volume Information"
)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class _StateMark:
    """What a state folder says of its pictures; ``output_id`` is None where an older version wrote it."""

    output: Path
    output_id: str | None


@dataclass(frozen=True, slots=True)
class _OutputMark:
    """What a folder of pictures says of itself; ``states`` lie outside of it."""

    id: str
    states: tuple[Path, ...]


def require_folders(state_folder: Path, output_folder: Path) -> None:
    """Raise StorageError if a disk of the two seems not to be mounted, LedgerError if they don't belong together.

    Changes nothing.
    """
    state, output = _state_mark(state_folder), _output_mark(output_folder)
    if output is None:
        known_mounts.require_mounted(output_folder)
    if state is None:
        if output is not None and state_folder in output.states and not _has_ledger(state_folder):
            raise _state_missing(state_folder, output_folder)
        return
    # An older version knew no ids.
    is_known = output is not None and output.id == state.output_id
    if is_known or (output is None and state.output_id is not None and state_folder.is_relative_to(output_folder)):
        return
    if (output and state.output_id) or (state.output.is_dir() and not are_same(state.output, output_folder)):
        raise _belongs_to_another(state_folder, state, output_folder)
    if output is None and state.output_id is not None:
        raise _output_missing(state_folder, output_folder)


def require_no_foreign_files(state_folder: Path, ours: Collection[Path]) -> None:
    """Raise UsageError if a folder that is to become a state folder holds files but the program's and ``ours``.

    A folder that is one already may hold any.
    """
    if _state_mark(state_folder) is not None or _has_ledger(state_folder):
        return
    try:
        names = sorted(os.listdir(state_folder))
    except OSError:  # it does not exist yet; who creates it reports any other error
        return
    unknown = [name for name in names if name not in _OWN_NAMES and not _IGNORED_NAMES.fullmatch(name)]
    foreign = [name for name in unknown if not _contains_any(state_folder / name, ours)]
    if foreign:
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        raise UsageError(
            f"state.folder: {state_folder} holds files that are not the program's ({', '.join(foreign[:_SHOWN])}"
            f"{more}); choose a folder of its own"
        )


def _contains_any(path: Path, ours: Collection[Path]) -> bool:
    return any(file.is_relative_to(path) for file in ours)


def mark_folders(state_folder: Path, output_folder: Path) -> str:
    """Write what is missing of both marks. Returns a sentence if the output folder was moved, else "".

    The caller has called :func:`require_folders`. Raises StorageError.
    """
    state, output = _state_mark(state_folder), _output_mark(output_folder)
    known = output.id if output else state.output_id if state else None
    output_id = known or uuid.uuid4().hex
    states = output.states if output else ()
    if not state_folder.is_relative_to(output_folder) and state_folder not in states:
        states = (*states, state_folder)
    if output is None or output.states != states:
        names = [relative_to_folder(output_folder, path) for path in states]
        _write(output_folder / OUTPUT_MARK, {"version": 1, "id": output_id, "states": names})
    was_moved = state is not None and state.output != output_folder and not are_same(state.output, output_folder)
    if state is None or state.output_id != output_id or was_moved:
        place = {"output": relative_to_folder(state_folder, output_folder), "output_id": output_id}
        _write(state_folder / STATE_MARK, place)
    known_mounts.store_mount(output_folder)
    return f"the pictures of {state.output} are in {output_folder} now" if state and was_moved else ""


def other_states(state_folder: Path, output_folder: Path) -> list[Path]:
    """Return the other state folders that hold records of the pictures in ``output_folder``, as far as is known."""
    output = _output_mark(output_folder)
    known = (output_folder / OUTPUT_MARK.parent, *(output.states if output else ()))
    return [path for path in known if path != state_folder and not are_same(path, state_folder)]


class OutputFolderCheck:
    """The output folder as it was when a pass began: what has its name later must be the same folder."""

    def __init__(self, output_folder: Path) -> None:
        self._folder = output_folder
        mark = _output_mark(output_folder)
        self._id = mark.id if mark else None

    def require(self) -> None:
        """Raise StorageError if the folder's disk is not mounted any more."""
        mark = _output_mark(self._folder)
        if self._id is not None and (mark is None or mark.id != self._id):
            raise StorageError(
                f"output.folder: {self._folder} is not the folder it was ({self._folder / OUTPUT_MARK} is gone); "
                f"mount its disk or share again"
            )


def _state_missing(state_folder: Path, output_folder: Path) -> StorageError:
    return StorageError(
        f"state.folder: {state_folder} is empty, but the pictures in {output_folder} are on record there; mount its "
        f"disk or share, or correct the setting; if that record is lost, delete {output_folder / OUTPUT_MARK}: "
        f"finished pictures are then recognized by their metadata, and not made again"
    )


def _output_missing(state_folder: Path, output_folder: Path) -> StorageError:
    return StorageError(
        f"output.folder: {output_folder} is not the folder of the pictures on record in {state_folder} "
        f"({output_folder / OUTPUT_MARK} is missing); mount its disk or share, or correct the setting; if it is the "
        f"right folder, delete {state_folder / STATE_MARK}"
    )


def _belongs_to_another(state_folder: Path, mark: _StateMark, output_folder: Path) -> LedgerError:
    return LedgerError(
        f"state.folder: {state_folder} belongs to the pictures in {mark.output}, not to those in {output_folder}; "
        f"choose another state folder, or delete {state_folder / STATE_MARK} if the pictures were moved from there"
    )


def _has_ledger(state_folder: Path) -> bool:
    try:
        return (state_folder / LEDGER_NAME).stat().st_size > 0
    except OSError:
        return False


def _state_mark(state_folder: Path) -> _StateMark | None:
    fields = _read(state_folder / STATE_MARK)
    output, output_id = fields.get("output"), fields.get("output_id")
    if not isinstance(output, str):
        return None
    return _StateMark(resolve_from_folder(state_folder, output), output_id if isinstance(output_id, str) else None)


def _output_mark(output_folder: Path) -> _OutputMark | None:
    fields = _read(output_folder / OUTPUT_MARK)
    identity, states = fields.get("id"), fields.get("states")
    if not isinstance(identity, str):
        return None
    names = [name for name in states if isinstance(name, str)] if isinstance(states, list) else []
    return _OutputMark(identity, tuple(resolve_from_folder(output_folder, name) for name in names))


def _read(file: Path) -> dict[str, Any]:
    """Return what a mark says, nothing if there is none or it is damaged. Raises StorageError if it can't be read."""
    try:
        fields = json.loads(file.read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    except PermissionError as error:  # not an error of the disk, and nothing that passes by waiting
        raise LedgerError(
            f"{file} can't be read ({error.strerror}); give the program the right to read it, or correct "
            f"state.folder or output.folder"
        ) from error
    except OSError as error:
        raise StorageError(f"{file} can't be read ({error.strerror}); check the folder and its disk") from error
    return fields if isinstance(fields, dict) else {}


def _write(file: Path, fields: dict[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(file, json.dumps(fields).encode("ascii"))
    except OSError as error:
        raise storage_error(file.parent, error) from error
