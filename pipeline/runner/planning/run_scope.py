"""What a single run is about: some photos only, and pictures that are to be made again. Owns applying it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from pipeline.engine import ENGINE_VERSION
from pipeline.errors import UsageError
from pipeline.ledger import Ledger, Selection
from pipeline.model import ClaimOrder, Job, OnChange
from pipeline.pairing import fits
from pipeline.report.formatting import skipped_counts_text
from pipeline.report.reasons import backlog_sentence, count_reasons, kept_sentence, reason

Redo = Literal["outdated", "changed"]

_PATTERNS: Final = "a pattern without / is about the file's name, ** spans folders, letter case counts"


@dataclass(frozen=True, slots=True)
class RunScope:
    """``only``: patterns of photos, all photos if there is none. ``redo``: which finished pictures are made again.

    ``outdated``: those of another version of the engine; ``changed``: those kept when their settings changed.
    """

    only: tuple[str, ...] = ()
    redo: frozenset[Redo] = frozenset()

    def selects(self, photo: str) -> bool:
        """Tell whether this is about the photo."""
        return not self.only or any(fits(photo, pattern) for pattern in self.only)

    def among(self, reasons: Mapping[str, str]) -> dict[str, str]:
        """Return the photos among these that this is about, with their reasons."""
        return {photo: reason for photo, reason in reasons.items() if self.selects(photo)}


def apply_scope(
    ledger: Ledger, scope: RunScope, order: ClaimOrder, skipped: Mapping[str, str] = MappingProxyType({})
) -> Selection | None:
    """Make what is to be made again pending, and narrow the ledger's queue; None: the scope is all photos.

    The photos are on record already, and those that are ``skipped`` are not. Raises UsageError if no photo fits.
    """
    is_selected = scope.selects if scope.only else None
    _redo(ledger, scope, is_selected)
    if is_selected is None:
        return None
    selection = ledger.queue.select(is_selected, order)
    if not selection.photos:
        patterns = " or ".join(f"'{pattern}'" for pattern in scope.only)
        if reasons := Counter(scope.among(skipped).values()):
            raise UsageError(f"--only: {skipped_counts_text(reasons)}, and no other fits {patterns}")
        raise UsageError(f"--only: no photo in the input folder fits {patterns}; {_PATTERNS}")
    return selection


def _redo(ledger: Ledger, scope: RunScope, is_selected: Callable[[str], bool] | None) -> None:
    if "outdated" in scope.redo:
        ledger.jobs.redo_outdated(ENGINE_VERSION, is_selected)
    if "changed" in scope.redo:
        ledger.jobs.redo_changed(is_selected)


def reasons_of_backlog(
    ledger: Ledger, order: ClaimOrder, on_change: OnChange, limit: int | None = None
) -> dict[str, int]:
    """Return how many of the first ``limit`` pending pictures are made again, by reason."""
    keep = on_change == "keep"
    if limit is None:
        return count_reasons(ledger.changes.count(ENGINE_VERSION, keep=keep))
    pending = ledger.changes.pending(ENGINE_VERSION, order, keep=keep, limit=limit)
    return count_reasons(Counter((each.job.style, each.job.recipe, each.causes) for each in pending if each.causes))


def reasons_by_job(ledger: Ledger, order: ClaimOrder, on_change: OnChange) -> dict[Job, str]:
    """Return the pending pictures that are made again, each with the reason."""
    pending = ledger.changes.pending(ENGINE_VERSION, order, keep=on_change == "keep")
    return {picture.job: reason(picture.job, picture.causes) for picture in pending if picture.causes}


def describe_backlog(ledger: Ledger, order: ClaimOrder, on_change: OnChange) -> str:
    """Return how many pictures are new, made again and why, and kept."""
    reasons = reasons_of_backlog(ledger, order, on_change)
    again = sum(reasons.values())
    backlog = backlog_sentence(ledger.queue.pending_count() - again, again, reasons)
    kept = kept_sentence(ledger.queries.kept_count())
    return f"{backlog}; {kept}" if kept else backlog
