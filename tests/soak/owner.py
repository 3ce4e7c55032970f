"""Whoever drops, replaces, renames and deletes photos and archives, at random, and knows what should come of it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.intake.packing import zipped
from tests.soak.photos import photo_bytes

_FOLDERS = ("", "trip/", "trip/sea/", "caf\u00e9/")
_MOST_PHOTOS = 60


@dataclass
class Owner:
    """``photos``: path in the input folder → number of the photo there, members of archives among them."""

    folder: Path
    chance: random.Random
    photos: dict[str, int] = field(default_factory=dict)
    deeds: dict[str, int] = field(default_factory=dict)
    numbers: int = 0

    def act(self) -> None:
        """Do one thing, any."""
        deeds: list[Callable[[], bool]] = [
            self.drop, self.drop, self.drop, self.drop_slowly, self.replace, self.replace, self.rename, self.delete,
            self.touch, self.drop_letter, self.drop_archive, self.drop_archive, self.delete_archive,
        ]  # fmt: skip
        if len(self._files()) > _MOST_PHOTOS:
            deeds = [self.delete]
        deed = self.chance.choice(deeds)
        if deed():
            self.deeds[deed.__name__] = self.deeds.get(deed.__name__, 0) + 1

    def drop(self) -> bool:
        """Put down a new photo at once."""
        self._put(self._new_name(".png"), self._new_number())
        return True

    def drop_slowly(self) -> bool:
        """Put down half of a photo, and the rest a little later."""
        name, number = self._new_name(".png"), self._new_number()
        data, file = photo_bytes(number), self._place(name)
        file.write_bytes(data[: len(data) // 2])
        time.sleep(self.chance.uniform(0, 1))
        with file.open("ab") as rest:
            rest.write(data[len(data) // 2 :])
        self.photos[name] = number
        return True

    def replace(self) -> bool:
        """Put another photo in the place of one."""
        files = self._files()
        if files:
            self._put(self.chance.choice(files), self._new_number())
        return bool(files)

    def rename(self) -> bool:
        """Give a photo another name."""
        files = self._files()
        if files:
            name, other = self.chance.choice(files), self._new_name(".png")
            (self.folder / name).replace(self._place(other))
            self.photos[other] = self.photos.pop(name)
        return bool(files)

    def delete(self) -> bool:
        """Delete a photo."""
        files = self._files()
        if files:
            name = self.chance.choice(files)
            (self.folder / name).unlink()
            del self.photos[name]
        return bool(files)

    def touch(self) -> bool:
        """Give a photo a new time, and the same content."""
        files = self._files()
        if files:
            os.utime(self.folder / self.chance.choice(files))
        return bool(files)

    def drop_letter(self) -> bool:
        """Put down what is called a photo and is none."""
        self._write(self._place(self._new_name(".jpg")), b"I am a letter, not a photo, whatever my name says.")
        return True

    def drop_archive(self) -> bool:
        """Put down a new archive, or another one in the place of one."""
        archives = self._archives()
        name = self.chance.choice(archives) if len(archives) > 4 else self._new_name(".zip")
        members = {f"{n}.png": self._new_number() for n in range(self.chance.randint(1, 3))}
        self._forget(name)
        self._write(self._place(name), zipped(*((inner, photo_bytes(n)) for inner, n in members.items())))
        self.photos |= {f"{name}/{inner}": number for inner, number in members.items()}
        return True

    def delete_archive(self) -> bool:
        """Delete an archive."""
        archives = self._archives()
        if archives:
            name = self.chance.choice(archives)
            (self.folder / name).unlink()
            self._forget(name)
        return bool(archives)

    def _files(self) -> list[str]:
        return sorted(name for name in self.photos if ".zip/" not in name)

    def _archives(self) -> list[str]:
        return sorted({name.partition(".zip/")[0] + ".zip" for name in self.photos if ".zip/" in name})

    def _forget(self, archive: str) -> None:
        self.photos = {name: n for name, n in self.photos.items() if not name.startswith(archive + "/")}

    def _new_name(self, suffix: str) -> str:
        while True:
            name = f"{self.chance.choice(_FOLDERS)}{self.chance.randrange(10_000)}{suffix}"
            if not (self.folder / name).exists():
                return name

    def _new_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def _place(self, name: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _put(self, name: str, number: int) -> None:
        self._write(self._place(name), photo_bytes(number))
        self.photos[name] = number

    def _write(self, file: Path, data: bytes) -> None:
        """Write a file, some of them in place and others as careful programs do."""
        if self.chance.random() < 0.5:
            file.write_bytes(data)
            return
        part = file.with_name(file.name + ".part")
        part.write_bytes(data)
        part.replace(file)
