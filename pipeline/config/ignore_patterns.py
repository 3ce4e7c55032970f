"""The patterns of ``input.ignore``, as in .gitignore. Owns their type and what they match."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, StrictStr


def is_ignored(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether ``path`` (relative, with ``/`` after a folder) matches patterns as in .gitignore.

    Raises ValueError for an invalid pattern.
    """
    from pathspec import GitIgnoreSpec  # slow to import, and most configs don't need it

    # The same as pipeline.intake.filters does; config may not import it.
    lines = (unicodedata.normalize("NFC", pattern) for pattern in patterns)
    return GitIgnoreSpec.from_lines(lines).match_file(unicodedata.normalize("NFC", path))


def is_pattern(value: Any) -> bool:
    """Tell whether a value is a valid .gitignore pattern."""
    try:
        return isinstance(value, str) and is_ignored("", (value,)) in (True, False)
    except ValueError:
        return False


def _check_pattern(value: str) -> str:
    if not is_pattern(value):
        raise ValueError(f"must be a pattern as in .gitignore, found {value!r}")
    return value


IgnorePattern = Annotated[StrictStr, AfterValidator(_check_pattern)]
