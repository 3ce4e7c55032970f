"""Where Chromium is, and what one types to have it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

VARIABLE = "STYLEWATCH_CHROMIUM"
#: How it is started: alone with the page, and so that root in a container with little shared memory can start it.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = {
    "linux": ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"),
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
        "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
        "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
    ),
}
COMMANDS = {
    "linux": "sudo apt-get install -y --no-install-recommends chromium",
    "darwin": "brew install --cask google-chrome",
    "win32": "winget install Google.Chrome",
}


def find_chromium(
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
    is_file: Callable[[Path], bool] = Path.is_file,
) -> Path | None:
    """Return the browser that the environment names, else the first that is installed; None if there is none."""
    if named := environment.get(VARIABLE):
        return Path(named) if is_file(Path(named)) else None
    found = [Path(path) for program in PROGRAMS if (path := which(program))]
    usual = [Path(place) for place in PLACES.get(platform, ()) if is_file(Path(place))]
    return next(iter(found + usual), None)


def advice(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Say in one line what to type so that there is a browser."""
    if named := environment.get(VARIABLE):
        return f"{VARIABLE} names no file: {named}. Set it to the program of Chromium, or unset it."
    command = COMMANDS.get(platform, COMMANDS["linux"])
    return f"The gallery's tests need Chromium. Type: {command}   (or set {VARIABLE} to a Chromium that is there)"
