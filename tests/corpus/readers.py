"""The second decoders: ImageMagick and libvips, as far as they are installed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from PIL import Image, ImageCms

from tests.corpus.readings import Reading, Size, grid_of

_SECONDS: Final = 60.0
_VIPS_PROCESS: Final = Path(__file__).with_name("vips_process.py")

#: What ImageMagick says of a file that it reads whole.
_HARMLESS: Final = re.compile(
    r"profile|Unknown field with tag|TIFFWarnings|iCCP|cHRM|sRGB|gAMA|sBIT|tIME|bKGD|pHYs|extra bytes", re.IGNORECASE
)


class Reader(Protocol):
    """A second decoder. ``name`` with its version."""

    name: str

    def read(self, path: Path) -> Reading:
        """Decode the file; never raises for what is in it."""

    def close(self) -> None:
        """End what was started."""


class ImageMagick:
    """Starts ``magick`` or ``convert`` for each file."""

    def __init__(self, program: str, long_side: int) -> None:
        self.name = _first_line_of([program, "-version"]).removeprefix("Version: ").partition(" Q")[0]
        self._program = program
        self._long_side = long_side

    def read(self, path: Path) -> Reading:
        with tempfile.TemporaryDirectory(prefix="stylewatch-corpus-") as folder:
            return self._read(_plainly_named(path, Path(folder)), Path(folder))

    def close(self) -> None:
        """Nothing is left running."""

    def _read(self, photo: Path, folder: Path) -> Reading:
        profile, told, shown = (folder / name for name in ("srgb.icc", "told", "shown.ppm"))
        profile.write_bytes(_SRGB)
        side = self._long_side
        whole = ["-coalesce"] if photo.suffix.lower() in {".gif", ".webp"} else ["+repage"]
        command = [self._program, "-limit", "thread", "1", f"{photo}[0]", *whole, "-auto-orient"]
        command += ["-format", "%w %h", "-write", f"info:{told}", "-profile", str(profile), "-colorspace", "sRGB"]
        command += ["-scale", f"{side}x{side}>", "-background", "white", "-alpha", "remove"]
        command += ["-depth", "8", f"ppm:{shown}"]
        try:
            ended = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, env=_C_LOCALE)
        except subprocess.TimeoutExpired:
            return Reading(refusal=f"no answer in {_SECONDS:g} seconds")
        lines = _without_names(ended.stderr.decode("utf-8", "replace"), folder)
        try:
            with Image.open(shown) as image:
                grid = grid_of(image.convert("RGB"))
        except OSError:  # there is none, or one without pixels
            return Reading(refusal=next(iter(lines), f"exit code {ended.returncode}"))
        complaint = next((line for line in lines if not _HARMLESS.search(line)), "")
        return Reading(_two_numbers(told.read_text("ascii")), grid, complaint=complaint)


class Vips:
    """Keeps a process with pyvips for each thread; one that crashes or hangs is replaced.

    What it refuses, as pyvips' wheels are built without HEVC, the ``program`` is asked for. Raises OSError or
    ValueError if this Python has no pyvips.
    """

    def __init__(self, python: str, long_side: int, program: Reader | None = None) -> None:
        self._command = [python, str(_VIPS_PROCESS), str(long_side)]
        self._local = threading.local()
        self._processes: list[_VipsProcess] = []
        self._program = program
        self.name = f"libvips {self._process().version} (pyvips)"
        if program:
            self.name += f", else {program.name}"

    def read(self, path: Path) -> Reading:
        reading = self._read(path)
        return reading if reading.reads or not self._program else self._program.read(path)

    def close(self) -> None:
        for process in self._processes:
            process.close()

    def _read(self, path: Path) -> Reading:
        process = self._process()
        try:
            answer = process.ask(str(path))
        except (OSError, ValueError):
            process.close()
            return Reading(refusal=f"libvips crashed or had no answer in {_SECONDS:g} seconds")
        if "refusal" in answer:
            return Reading(refusal=answer["refusal"])
        width, height = answer["size"]
        image = Image.frombytes("RGB", tuple(answer["shown"]), base64.b64decode(answer["pixels"]))
        return Reading((width, height), grid_of(image))

    def _process(self) -> _VipsProcess:
        process: _VipsProcess | None = getattr(self._local, "process", None)
        if process is None or process.is_closed:
            process = self._local.process = _VipsProcess(self._command)
            self._processes.append(process)
        return process


class _VipsProcess:
    def __init__(self, command: list[str]) -> None:
        self.is_closed = False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "VIPS_CONCURRENCY": "1"},
        )
        try:
            self.version = self._answer()["version"]
        except ValueError:
            self.close()
            raise

    def ask(self, path: str) -> dict[str, Any]:
        late = threading.Timer(_SECONDS, self._process.kill)
        late.start()
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{json.dumps(path)}\n")
            self._process.stdin.flush()
            return self._answer()
        finally:
            late.cancel()

    def close(self) -> None:
        self.is_closed = True
        self._process.kill()
        with contextlib.suppress(OSError):  # what could not be written to a process that is gone
            self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class VipsProgram:
    """Starts ``vips`` for each file: for what pyvips' own libvips is built without, and where there is no pyvips."""

    def __init__(self, program: str, long_side: int) -> None:
        self.name = _first_line_of([program, "--version"])
        self._program = program
        self._long_side = str(long_side)

    def read(self, path: Path) -> Reading:
        with tempfile.TemporaryDirectory(prefix="stylewatch-corpus-") as folder:
            return self._read(_plainly_named(path, Path(folder)), Path(folder))

    def close(self) -> None:
        """Nothing is left running."""

    def _read(self, photo: Path, folder: Path) -> Reading:
        upright, shown, side = str(folder / "upright.v"), folder / "shown.png", self._long_side
        smaller = ["thumbnail", upright, str(shown), side, "--height", side, "--size", "down", "--no-rotate"]
        try:
            self._run("autorot", f"{photo}[fail_on=error]", upright)
            if "icc-profile-data" in self._run("header", upright, "-a"):  # without one, colors would be shifted
                smaller += ["--export-profile", "srgb"]
            self._run(*smaller)
            width, height = (int(self._run("header", upright, "-f", field)) for field in ("width", "height"))
        except subprocess.CalledProcessError as error:
            return Reading(refusal=next(iter(_without_names(error.stderr, folder)), f"exit code {error.returncode}"))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return Reading(refusal=type(error).__name__)
        with Image.open(shown) as image:
            colors = image.convert("RGBA")
        white = Image.new("RGBA", colors.size, "white")
        return Reading((width, height), grid_of(Image.alpha_composite(white, colors).convert("RGB")))

    def _run(self, command: str, *words: str) -> str:
        environment = {**_C_LOCALE, "VIPS_CONCURRENCY": "1"}
        if command == "autorot":  # what libvips lets ImageMagick read is no second opinion beside ImageMagick's
            environment["VIPS_BLOCK_UNTRUSTED"] = "1"
        program = [self._program + "header"] if command == "header" else [self._program, command]
        ended = subprocess.run(
            [*program, *words], capture_output=True, text=True, timeout=_SECONDS, check=True, env=environment
        )
        return ended.stdout


def find_readers(long_side: int, vips_python: str = sys.executable) -> Iterator[Reader]:
    """Yield the decoders that are installed; ``vips_python``: the Python that is asked for pyvips."""
    if found := shutil.which("magick") or shutil.which("convert"):
        magick = ImageMagick(found, long_side)
        if "ImageMagick" in magick.name:  # Windows has another convert, of disks
            yield magick
    vips = shutil.which("vips")
    program = VipsProgram(vips, long_side) if vips else None
    try:
        yield Vips(vips_python, long_side, program)
    except (OSError, ValueError):
        if program:
            yield program


_C_LOCALE: Final = {**os.environ, "LC_ALL": "C"}


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


_SRGB: Final = _srgb()


def _plainly_named(path: Path, folder: Path) -> Path:
    """Give the file a name in which no program finds a pattern or an option."""
    photo = folder / f"photo{path.suffix}"
    try:
        photo.symlink_to(path.resolve())
    except OSError:  # Windows wants a permission for that
        shutil.copyfile(path, photo)
    return photo


def _first_line_of(command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    return next(iter(ended.stdout.splitlines()), "")


def _without_names(told: str, folder: Path) -> list[str]:
    """Return the lines, errors first, without the names of temporary files and functions: the same for all files."""
    lines = sorted(filter(str.strip, told.splitlines()), key=lambda line: " @ error/" not in line)
    lines = [re.sub(r" @ \w+/[\w.-]+/\w+/\d+", "", line) for line in lines]
    return [line.replace(f"{folder}{os.sep}", "").strip() for line in lines]


def _two_numbers(text: str) -> Size:
    width, height = text.split()[:2]
    return int(width), int(height)
