"""Asks the user. Owns when that is possible, and that a wrong answer is explained and asked for again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from pipeline.errors import StylewatchError
from pipeline.report.formatting import printable

T = TypeVar("T")


def can_ask() -> bool:
    """Tell whether somebody sits at a terminal; a program without any input has none."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str, understand: Callable[[str], T], default: str | None = None, *, shown: bool = True) -> T:
    """Return what an answer means, asking again until ``understand`` raises no StylewatchError.

    ``default`` is the answer of the Enter key, None = there must be one; it is only ``shown`` if that helps.
    """
    while True:
        try:
            return understand(click.prompt(question, default=default, show_default=shown))
        except StylewatchError as error:
            click.echo(printable(str(error)), err=True)
