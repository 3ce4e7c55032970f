"""Photos that were refused by a limit which is another one by now. Owns how their reasons are told apart.

A photo's quarantine has no more than a sentence on record. One that a setting is to blame for names it, with the
value that it had: whoever refuses with other words today looks again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipeline.config import Config
from pipeline.images.decode import too_many_pixels
from pipeline.intake.members import too_large, too_large_unpacked, too_many_files
from pipeline.ledger import Ledger
from pipeline.runner.ingest.archives import limits_of

#: Earlier versions blamed the photo for a missing library, and for memory that was short, which had no words.
_NO_FAULT_OF_THEIRS: Final = ("install stylewatch[heic]", "damaged or cut short ():")


def look_again(ledger: Ledger, config: Config) -> int:
    """Let intake look again at the photos that today's limits might let in. Returns how many there are."""
    limits = dict(_limits(config))
    paths = [problem.path for problem in ledger.queries.photo_problems() if _is_outdated(problem.reason, limits)]
    if paths:
        ledger.jobs.retry(paths)
    return len(paths)


def _limits(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each setting by which photos are refused, and the words that it puts into a refusal today."""
    limits = limits_of(config)
    yield "input.max_megapixels", too_many_pixels(config.input.max_pixels)
    yield "input.max_archive_files", too_many_files(limits)
    yield "input.max_archive_size", too_large_unpacked(limits)
    yield "input.archive_space", too_large(limits.photo_bytes)


def _is_outdated(reason: str, limits: dict[str, str]) -> bool:
    named = [words for setting, words in limits.items() if setting in reason]
    return any(words not in reason for words in named) or any(words in reason for words in _NO_FAULT_OF_THEIRS)
