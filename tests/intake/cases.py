"""What an archive is, and what must come of it: the form in which :mod:`tests.intake.hostile` and others say it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.intake.packing import END, _info, one, photo, special, tarred, zipped

Kind = Literal["quarantined", "incomplete"]


@dataclass(frozen=True)
class Case:
    """``pictures``: path of a photo -> its shade; ``says``: (path, kind, part of the reason) of all set aside."""

    id: str
    name: str
    build: Callable[[], bytes]
    pictures: dict[str, int] = field(default_factory=dict)
    says: tuple[tuple[str, Kind, str], ...] = ()


def in_remark(id_: str, name: str, reason: str) -> Case:
    """A zip with a photo and a member whose name is no path: told about in the archive's own row."""
    return Case(
        id_,
        "trip.zip",
        lambda: zipped(("good.png", photo(3)), (name, photo(1))),
        {"trip.zip/good.png": 3},
        (("trip.zip", "quarantined", reason),),
    )


def tar_remark(id_: str, name: str, reason: str) -> Case:
    return Case(
        f"tar {id_}",
        "trip.tar",
        lambda: tarred(("good.png", photo(3)), (name, photo(1))),
        {"trip.tar/good.png": 3},
        (("trip.tar", "quarantined", reason),),
    )


def refused(id_: str, name: str, build: Callable[[], bytes], reason: str, kind: Kind = "quarantined") -> Case:
    """An archive of which nothing is taken."""
    return Case(id_, name, build, {}, ((name, kind, reason),))


def beside(id_: str, build: Callable[[], bytes], reason: str, name: str = "trip.zip", evil: str = "evil.png") -> Case:
    """An archive with a good photo and one that is refused."""
    return Case(id_, name, build, {f"{name}/good.png": 3}, ((f"{name}/{evil}", "quarantined", reason),))


def zip_special(id_: str, mode: int, reason: str) -> Case:
    return beside(
        f"zip {id_}", lambda: zipped(("good.png", photo(3)), (_info("evil.png", mode), b"/etc/passwd")), reason
    )


def tar_special(id_: str, kind: bytes, reason: str, target: str = "/etc/passwd") -> Case:
    return beside(
        f"tar {id_}",
        lambda: tarred(("good.png", photo(3)), (special("evil.png", kind, target), b"")),
        reason,
        "trip.tar",
    )


def inside(id_: str, content: Callable[[], bytes], reason: str, evil: str = "evil.png") -> Case:
    return beside(
        f"member is {id_}", lambda: zipped(("good.png", photo(3)), (evil, content())), reason, "trip.zip", evil
    )


def good_zip() -> bytes:
    return zipped(("good.png", photo(3)), ("beach/also.png", photo(5)))


def good_tar() -> bytes:
    return tarred(("good.png", photo(3)), ("beach/also.png", photo(5)))


def two(name: str) -> dict[str, int]:
    return {f"{name}/good.png": 3, f"{name}/beach/also.png": 5}


def with_good(evil: bytes) -> Callable[[], bytes]:
    """Build a tar of a good photo and what ``evil`` says."""
    return lambda: one("good.png", 3) + evil + END


DECOMPOSED = unicodedata.normalize("NFD", "é.png")
COMPOSED = unicodedata.normalize("NFC", "é.png")
RAW = os.fsdecode(b"caf\xe9.png")


def write(case: Case, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / case.name
    path.write_bytes(case.build())
    return path
