"""What a config leaves out of the photos, and by which of their properties. Owns the reasons, in the user's words.

Reads no files: who has measured a photo says what it found.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

#: Which of a camera raw and a JPEG of the same stem are painted.
RawChoice = Literal["prefer_jpeg", "prefer_raw", "both"]

#: What phones and computers call their screenshots, each in its language; then comes a number, a sign or the end.
_SCREENSHOT_NAMES: Final = (
    "screenshot|screen shot|screen_shot|bildschirmfoto|capture d['’]écran|captura de pantalla|captura de tela"
    "|captura de ecrã|schermata|schermafbeelding|zrzut ekranu|skärmavbild|skærmbillede|skjermbilde|näyttökuva"
    "|снимок экрана|snímek obrazovky|ekran görüntüsü|スクリーンショット|屏幕截图|屏幕快照|截屏|截图|스크린샷"
)
_SCREENSHOT: Final = re.compile(rf"(?:{_SCREENSHOT_NAMES})(?![^\W\d_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoProperties:
    """What a photo's header and metadata say of it.

    ``width`` and ``height`` in pixels, as stored, 0 if unknown. ``camera``: make and model, empty if the metadata
    names none, None if it can't be understood. ``is_screenshot``: the metadata calls it one.
    """

    width: int = 0
    height: int = 0
    camera: str | None = ""
    is_screenshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRules:
    """Which photos get no pictures: one that any of these rules fits.

    ``smaller_than``: the long side has fewer pixels; 0 = no rule. ``suffixes``: in lower case, with the dot.
    ``screenshots``: the metadata says so, or the name does and no camera is known. ``cameras``: patterns of make and
    model, ``*`` for anything. ``without_camera``: no camera is known.
    """

    smaller_than: int = 0
    suffixes: tuple[str, ...] = ()
    screenshots: bool = False
    cameras: tuple[str, ...] = ()
    without_camera: bool = False

    @property
    def needs_properties(self) -> bool:
        """Whether a photo has to be opened to know whether it is skipped."""
        return bool(self.smaller_than or self.screenshots or self.cameras or self.without_camera)

    def reason_of_name(self, path: str) -> str:
        """Return why the photo at ``path`` is skipped, whatever is in it; "" if it is not."""
        name = path.rpartition("/")[2].lower()
        return next((f"suffix {suffix}" for suffix in self.suffixes if name.endswith(suffix)), "")

    def reason_of_properties(self, path: str, properties: PhotoProperties) -> str:
        """Return why the photo at ``path`` is skipped because of what it is; "" if it is not."""
        if 0 < max(properties.width, properties.height) < self.smaller_than:
            return f"smaller than {self.smaller_than} px"
        if self.screenshots and (
            properties.is_screenshot or (properties.camera == "" and names_screenshot(path.rpartition("/")[2]))
        ):
            return "screenshot"
        if self.without_camera and properties.camera == "":
            return "no camera in its metadata"
        return next((f"camera {pattern}" for pattern in self.cameras if _fits(properties.camera, pattern)), "")


def names_screenshot(name: str) -> bool:
    """Return whether a file's name is one that phones and computers give to screenshots."""
    return _SCREENSHOT.match(unicodedata.normalize("NFC", name).casefold()) is not None


def _fits(camera: str | None, pattern: str) -> bool:
    return bool(camera) and fnmatchcase(str(camera).casefold(), pattern.casefold())
