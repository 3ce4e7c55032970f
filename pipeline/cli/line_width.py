"""Breaks lines for a terminal between words, which it does not do by itself. Owns the width of standard output."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Final

import click

from pipeline.report.formatting import printable

#: On a narrower terminal every line would be in pieces anyway.
_NARROWEST: Final = 20


def terminal_width() -> int | None:
    """Return how many columns standard output has, None if it is no terminal: then no line is too long."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def wrapped(text: str, width: int | None) -> str:
    """Return ``text``, one line, with line breaks where ``width`` asks for them. Names without spaces stay whole."""
    if width is None or len(text) <= width or width < _NARROWEST:
        return text
    return textwrap.fill(
        text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False, expand_tabs=False
    )


def echo(text: str) -> None:
    """Print one line on standard output, with names made harmless."""
    click.echo(wrapped(printable(text), terminal_width()))
