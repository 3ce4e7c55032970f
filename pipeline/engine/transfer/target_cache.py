"""Stores the statistics of paintings on disk, in the style cache; does not import torch or compute them.

One safetensors file for each :class:`TargetKey`, named by its SHA-256, written atomically. Every file holds its key
and a checksum of its content, so that a damaged or foreign file is never used. A file's modification time is when it
was last used; pruning removes the least recently used ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from pipeline.durable_files import write_file
from pipeline.engine import ENGINE_VERSION
from pipeline.hashing import KeyFields, sha256_of_json

Arrays = dict[str, npt.NDArray[Any]]

_NAME: Final = re.compile(r"[0-9a-f]{64}\.safetensors")

#: Whatever else a target may depend on one day is a field with a default, at which today's files are still found.
TARGET: Final = KeyFields(
    always=(
        "painting_sha256",
        "size",
        "layers",
        "weights_id",
        "pooling",
        "precision",
        "resampling",
        "padding",
        "version",
    )
)


FIRST_DECODING: Final = "1"
#: Paintings that are decoded as they always were, by their suffix. What 16-bit, planar and HDR files of the others
#: gave was wrong in earlier versions, so that targets made then are not used.
_DECODED_AS_EVER: Final = frozenset({"", ".jpg", ".jpeg", ".jfif", ".webp", ".gif"})
_TODAYS_DECODING: Final = "2"

#: The statistic of every file that earlier versions wrote: means and second moments.
MOMENTS: Final = "moments"


def decoding_of(painting: Path) -> str:
    """Return the version of the decoders by which a painting's pixels are what they are."""
    return FIRST_DECODING if painting.suffix.lower() in _DECODED_AS_EVER else _TODAYS_DECODING


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKey:
    """Everything that a style target depends on. ``size`` is the wanted long side of the painting in pixels.

    ``decoding``: see :func:`decoding_of`. ``statistic``: what the file holds of the painting's features: moments, or
    what does not follow from these.
    """

    painting_sha256: str
    size: int
    layers: tuple[str, ...]
    weights_id: str
    pooling: str
    precision: str
    resampling: str = "lanczos-3"
    padding: str = "replicate-first"
    version: str = ENGINE_VERSION
    decoding: str = FIRST_DECODING
    statistic: str = MOMENTS

    def digest(self) -> str:
        """Return the SHA-256 that names this target's file."""
        return sha256_of_json(TARGET.key_fields(self))


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One file of the cache. A damaged one has no ``painting_sha256``, no ``layers`` and ``size`` 0.

    ``statistic``: what it holds of the painting's features, without the version of how that is computed.
    """

    path: Path
    painting_sha256: str
    size: int
    layers: tuple[str, ...]
    bytes: int
    last_used: float
    statistic: str = ""


class DamagedEntryError(Exception):
    """A file under a target's name does not hold that target; the message says what is wrong with it."""


class StyleCache:
    """Style targets in ``folder``, least recently used ones removed above ``limit_bytes``."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes

    def read(self, key: TargetKey) -> Arrays | None:
        """Return the arrays stored for ``key``, None if there are none. Raises DamagedEntryError, OSError."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            arrays = safetensors.numpy.load(data)
            metadata = _metadata(path)
        except (safetensors.SafetensorError, ValueError) as error:
            raise DamagedEntryError(f"{path.name} is damaged ({error})") from error
        if metadata.get("key") != _canonical(key) or metadata.get("checksum") != _checksum(arrays):
            raise DamagedEntryError(f"{path.name} is damaged or was not written by this program")
        with contextlib.suppress(OSError):  # a cache that can only be read is still a cache
            os.utime(path, (time.time(), time.time()))
        return arrays

    def write(self, key: TargetKey, arrays: Arrays) -> None:
        """Store ``arrays`` for ``key`` atomically, then prune. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        metadata = {"key": _canonical(key), "checksum": _checksum(arrays)}
        # One name for all attempts: what a killed process leaves behind is overwritten and renamed by the next.
        path = self._path(key)
        write_file(path, safetensors.numpy.save(arrays, metadata=metadata), part=path.with_suffix(".part"))
        self.prune(self.limit_bytes)

    def entries(self) -> list[CacheEntry]:
        """Return what is in the cache, most recently used first; an absent folder is an empty cache."""
        return sorted((_entry(path, found) for path, found in self._files()), key=lambda entry: -entry.last_used)

    def prune(self, limit_bytes: int) -> int:
        """Remove the least recently used entries until at most ``limit_bytes`` are left; return the bytes freed."""
        files = sorted(self._files(), key=lambda file: file[1].st_mtime_ns)
        excess = sum(found.st_size for _, found in files) - limit_bytes
        freed = 0
        for path, found in files:
            if freed >= excess:
                break
            path.unlink(missing_ok=True)
            freed += found.st_size
        return freed

    def _path(self, key: TargetKey) -> Path:
        return self.folder / f"{key.digest()}.safetensors"

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            names = os.listdir(self.folder)  # glob() takes a folder that it may not list for an empty one
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in filter(_NAME.fullmatch, names):
            with contextlib.suppress(FileNotFoundError):  # another process may prune at the same time
                yield self.folder / name, (self.folder / name).stat()


def _entry(path: Path, found: os.stat_result) -> CacheEntry:
    try:
        key = json.loads(_metadata(path)["key"])
        statistic, _, _ = key.get("statistic", MOMENTS).partition("-")
        return CacheEntry(
            path, key["painting_sha256"], key["size"], tuple(key["layers"]), found.st_size, found.st_mtime, statistic
        )
    except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return CacheEntry(path, "", 0, (), found.st_size, found.st_mtime)


def _metadata(path: Path) -> Mapping[str, str]:
    with safetensors.safe_open(path, framework="np") as file:
        return file.metadata() or {}


def _canonical(key: TargetKey) -> str:
    return json.dumps(TARGET.key_fields(key), sort_keys=True)


def _checksum(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape} ".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
