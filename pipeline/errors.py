"""The tree of errors. Owns what may go wrong and with which exit code; refuses to know where it is shown.

Every message is one sentence for the person who runs the program: it names the file, the line or the
setting, and says what to do. ``pipeline.cli`` is the one place that turns these into text and exit codes.

    StylewatchError                exit  tried again?
    ├── UsageError                   2   no: the command line is wrong
    ├── ConfigError                  2   no: carries every problem of the file at once
    ├── PaintingError                2   no: a style painting can't be used
    ├── HookError                    2   no: the program of a hook is not there; only 'check' minds
    ├── CannotRunError               3   the surroundings are wrong, no photo is to blame
    │   ├── WeightsError             3   no
    │   ├── DeviceError              3   no
    │   ├── PaintingChangedError     3   yes: a painting was replaced while its pictures were being made
    │   ├── LockedError              3   another instance works on this state folder
    │   ├── LedgerError              3   no: the state database is damaged or from another version
    │   │   ├── LedgerLockedError    3   yes: another program keeps it locked, for longer than usual
    │   │   └── LeaseLostError       3   no: another instance took the work over
    │   └── StorageError             3   yes: disk full, share lost, folder not writable
    │       └── UnwritableError      3   yes: one file can't be put down, which may be that picture's own trouble
    └── JobError                     1   one picture failed, the run goes on
        ├── PhotoError               1   no: the photo itself is at fault, it is quarantined
        ├── CodecError               1   yes, without costing an attempt: a library that reads it is missing
        ├── StylizeError             1   yes, up to ``max_attempts``: the loss became non-finite, ...
        ├── MemoryShortError         1   yes, without costing an attempt: others take the memory just now
        └── OutOfMemoryError         1   yes, much later, up to ``max_attempts``
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar


class StylewatchError(Exception):
    """Anything this program can explain. ``str(error)`` is a sentence for its user."""

    exit_code: ClassVar[int] = 3
    final: ClassVar[bool] = True


class UsageError(StylewatchError):
    """The command line asks for something that does not exist."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong in a config file. ``line`` counts from 1; ``where`` is a YAML path (``styles[2].scale``)."""

    file: str
    line: int | None
    where: str
    message: str

    def __str__(self) -> str:
        """Return ``FILE:LINE: WHERE: MESSAGE``, leaving out what is unknown."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.where, self.message) if part)


class ConfigError(StylewatchError):
    """A config file that can't be used; ``problems`` holds every problem found, in the order of the file."""

    exit_code = 2

    def __init__(self, problems: list[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class PaintingError(StylewatchError):
    """A style painting that can't be read or is too small."""

    exit_code = 2


class HookError(StylewatchError):
    """The program of one of the user's commands is not there."""

    exit_code = 2


class CannotRunError(StylewatchError):
    """The surroundings (weights, device, disk, another instance) don't allow a run."""


class WeightsError(CannotRunError):
    """The network's weights are missing, short or altered."""


class DeviceError(CannotRunError):
    """The configured device does not exist on this machine."""


class PaintingChangedError(CannotRunError):
    """A painting's file has another content than its pictures are to be made of."""

    final = False


class LockedError(CannotRunError):
    """Another instance holds the state folder."""


class LedgerError(CannotRunError):
    """The state database is damaged or from another version."""


class LedgerLockedError(LedgerError):
    """A program that is none of ours keeps the state database locked."""

    final = False


class LeaseLostError(LedgerError):
    """A job is not this instance's any more: another one, which holds the state folder too, took it over."""


class StorageError(CannotRunError):
    """A folder can't be read or written, or its disk is full."""

    final = False


class UnwritableError(StorageError):
    """One file can't be put where it belongs.

    Whether the disk is to blame finds :mod:`pipeline.runner.failure_cause`.
    """


class JobError(StylewatchError):
    """One picture could not be made; the rest goes on."""

    exit_code = 1


class PhotoError(JobError):
    """The photo itself is at fault: truncated, no image, too large."""


class CodecError(JobError):
    """A library that reads this kind of picture is missing or can't be loaded."""

    final = False


class StylizeError(JobError):
    """The optimization failed: a non-finite loss, for example."""

    final = False


class MemoryShortError(JobError):
    """There is too little memory to begin with the picture while others are in work."""

    final = False


class OutOfMemoryError(JobError):
    """The picture does not fit into the device's memory, even alone."""

    final = False


def in_words(error: Exception) -> str:
    """Return the sentence of an error, also of one that nobody foresaw."""
    return str(error) if isinstance(error, StylewatchError) else f"unexpected {type(error).__name__}: {error}"


@contextmanager
def files_explained() -> Iterator[None]:
    """Turn an OSError about a file into StorageError: the last resort, where nobody had better words for it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:  # of no file, so it may be our own mistake
            raise
        place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        raise StorageError(f"{place}: {error.strerror}; check its permissions and its disk") from error
