"""Retries photos that were refused for what has changed: a limit, or the program. Owns finding them by the reason.

Of a quarantined photo only a sentence is on record. If a setting is the reason, it names the setting and the value it
had: when the same setting gives another sentence today, the photo is examined again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipeline.images.decode import too_many_pixels
from pipeline.intake.members import too_large, too_large_unpacked, too_many_files
from pipeline.ledger import Ledger
from pipeline.model import IngestSettings
from pipeline.runner.ingest.archives import limits_of

#: What only earlier versions said: for a missing library; of files whose decoders could not read what today's can;
#: of files that were never given to a decoder, which may read them all the same.
_SAID_BY_EARLIER_VERSIONS: Final = re.compile(
    r"install stylewatch\[heic\]|^the picture is damaged or cut short|^the file is an animation"
    r"|a kind of TIFF that can't be read: save it as RGB or gr[ae]y with|AVIF, TIFF, BMP, GIF or HEIC picture"
    r"|and the file has not changed for|lacks its end|its name holds a backslash"
    r"|it looks like a JPEG XL|^the (?!archive)[\w ]+ is incomplete: [^;]*$"
)


def retry_outdated_refusals(ledger: Ledger, settings: IngestSettings) -> int:
    """Have the photos examined again that today's limits might accept. Returns how many there are."""
    limits = dict(_limits(settings))
    paths = [problem.path for problem in ledger.queries.photo_problems() if _is_outdated(problem.reason, limits)]
    if paths:
        ledger.jobs.retry(paths)
    return len(paths)


def _limits(settings: IngestSettings) -> Iterator[tuple[str, str]]:
    """Yield each setting by which photos are refused, and the words of such a refusal today."""
    limits = limits_of(settings)
    yield "input.max_megapixels", too_many_pixels(settings.max_pixels)
    yield "input.max_archive_files", too_many_files(limits)
    yield "input.max_archive_size", too_large_unpacked(limits)
    yield "input.archive_space", too_large(limits.photo_bytes)


def _is_outdated(reason: str, limits: dict[str, str]) -> bool:
    named = [words for setting, words in limits.items() if setting in reason]
    return any(words not in reason for words in named) or _SAID_BY_EARLIER_VERSIONS.search(reason) is not None
