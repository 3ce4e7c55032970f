"""The tree of errors. Owns their exit codes and which are tried again; does not print them.

Every message is one sentence for the person who runs the program: it names the file, the line or the setting, and
says what to do. ``pipeline.cli`` is the only place that turns errors into text and exit codes.

    StylewatchError                exit  tried again?
    ├── UsageError                   2   no: the command line is wrong
    ├── ConfigError                  2   no: carries every problem of the file at once
    ├── PaintingError                2   no: a style painting can't be used
    ├── SizeError                    2   no: a recipe's pictures are larger than this machine can ever make
    ├── UnusableConfigError          2   no: carries several, one of these two at least
    ├── HookError                    2   no: the program of a hook does not exist; only 'check' raises it
    ├── CannotRunError               3   the machine or its setup is at fault, no photo is
    │   ├── WeightsError             3   no
    │   ├── DeviceError              3   no
    │   ├── PaintingChangedError     3   yes: a painting was replaced or lost while its pictures were being made
    │   ├── LockedError              3   another instance works on this state folder
    │   ├── LedgerError              3   no: the state database is damaged or from another version
    │   │   ├── LedgerLockedError    3   yes: another program keeps it locked for longer than usual
    │   │   └── LeaseLostError       3   no: another instance took over the work
    │   └── StorageError             3   yes: disk full, share lost, folder not writable
    │       └── UnwritableError      3   yes: one file can't be written, which may concern that picture only
    └── JobError                     1   one picture failed, the run continues
        ├── PhotoError               1   no: the photo itself is at fault, it is quarantined
        ├── CodecError               1   yes, without costing an attempt: a library that reads it is missing
        ├── StylizeError             1   yes, up to ``max_attempts``: the loss became non-finite, ...
        ├── MemoryShortError         1   yes, without costing an attempt: other programs use the memory just now
        └── OutOfMemoryError         1   yes, much later, up to ``max_attempts``
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar


class StylewatchError(Exception):
    """An error that this program can explain. ``str(error)`` is a sentence for its user."""

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
        """Return ``FILE:LINE: WHERE: MESSAGE``, without what is unknown."""
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


class SizeError(StylewatchError):
    """A recipe's pictures take more memory than this machine has."""

    exit_code = 2


class UnusableConfigError(StylewatchError):
    """Several things are wrong, a painting or a size at least; ``errors`` has them, the message a line for each."""

    exit_code = 2

    def __init__(self, errors: Sequence[StylewatchError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, errors)))


class HookError(StylewatchError):
    """The program of one of the user's commands does not exist."""

    exit_code = 2


class CannotRunError(StylewatchError):
    """Something other than a photo (weights, device, disk, another instance) prevents a run."""


class WeightsError(CannotRunError):
    """The network's weights are missing, short or altered."""


class DeviceError(CannotRunError):
    """The configured device does not exist on this machine."""


class PaintingChangedError(CannotRunError):
    """A painting's file changed, or can't be read any more, after its pictures were planned."""

    final = False


class LockedError(CannotRunError):
    """Another instance holds the state folder."""


class LedgerError(CannotRunError):
    """The state database is damaged or from another version."""


class LedgerLockedError(LedgerError):
    """Another program keeps the state database locked."""

    final = False


class LeaseLostError(LedgerError):
    """Another instance on the same state folder took over a job of this one."""


class StorageError(CannotRunError):
    """A folder can't be read or written, or its disk is full."""

    final = False


class UnwritableError(StorageError):
    """One file can't be written where it belongs.

    :mod:`pipeline.runner.failure_cause` finds out whether the disk is at fault.
    """


class JobError(StylewatchError):
    """One picture could not be made; the others are not affected."""

    exit_code = 1


class PhotoError(JobError):
    """The photo itself is at fault: truncated, not an image, too large."""


class CodecError(JobError):
    """A library that reads this kind of picture is missing or can't be loaded."""

    final = False


class StylizeError(JobError):
    """The optimization failed: a non-finite loss, for example."""

    final = False


class MemoryShortError(JobError):
    """There is too little memory to begin the picture while others are in progress."""

    final = False


class OutOfMemoryError(JobError):
    """The picture does not fit into the device's memory, even alone."""

    final = False


def in_words(error: Exception) -> str:
    """Return the sentence of an error, also of an unexpected one."""
    return str(error) if isinstance(error, StylewatchError) else f"unexpected {type(error).__name__}: {error}"


@contextmanager
def files_explained() -> Iterator[None]:
    """Turn an OSError about a file into StorageError, where no better message was found before."""
    try:
        yield
    except OSError as error:
        if error.filename is None:  # not about a file, so it may be a bug
            raise
        place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        raise StorageError(f"{place}: {error.strerror}; check its permissions and its disk") from error
