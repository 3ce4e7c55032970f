"""Says in words why finished pictures are made again, and how many are new. Owns these words; asks no ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.model import ChangeCause, Job
from pipeline.report.formatting import counted

#: So many reasons are named in a sentence; of the others there is only a number.
_REASONS_NAMED: Final = 5

_WORDS: Final[Mapping[ChangeCause, str]] = {
    "file": "the photo's file changed, perhaps not its content",
    "engine": "made by another version of the engine",
    "missing": "asked for again",
}


def reason(job: Job, causes: Iterable[ChangeCause]) -> str:
    """Return why a picture is made again: ``recipe default changed``; "" for a new one."""
    subjects: dict[ChangeCause, str] = {
        "recipe": f"recipe {job.recipe}",
        "start_image": f"start image of recipe {job.recipe}",
        "paintings": f"painting of style {job.style}",
        "style": f"scale of style {job.style}",
        "regions": f"regions of style {job.style}",
        "mask": "mask",
        "weights": "weights",
        "settings": "settings",
        "photo": "photo",
    }
    changed = " and ".join(subjects[cause] for cause in causes if cause in subjects)
    others = [_WORDS[cause] for cause in causes if cause in _WORDS]
    return ", ".join([f"{changed} changed", *others] if changed else others)


def count_reasons(counts: Mapping[tuple[str, str, tuple[ChangeCause, ...]], int]) -> dict[str, int]:
    """Return how many pictures are made again for each reason, the most frequent one first.

    ``counts`` are by style, recipe and causes.
    """
    reasons: Counter[str] = Counter()
    for (style, recipe, causes), count in counts.items():
        reasons[reason(Job("", style, recipe), causes)] += count
    return dict(reasons.most_common())


def backlog_sentence(new: int, again: int, reasons: Mapping[str, int]) -> str:
    """Return ``3 new pictures, 12 to be made again: recipe default changed (8), ...`` without a full stop."""
    if not again:
        nothing = "no finished picture is made again"
        return f"{counted(new, 'new picture')}; {nothing}" if new else nothing
    changed = {words: count for words, count in reasons.items() if words != _WORDS["file"]}
    touched = reasons.get(_WORDS["file"], 0)
    due = again - touched
    parts = [counted(new, "new picture")] if new else []
    if due:
        parts += [f"{f'{due:,}' if new else counted(due, 'picture')} to be made again: {_because(changed)}"]
    if touched:
        # Most of these files were only copied or touched: their content is read when it is their turn.
        parts += [f"{f'{touched:,}' if parts else counted(touched, 'picture')} to be checked: {_WORDS['file']}"]
    return f"{parts[0]}, {'; '.join(parts[1:])}" if new else "; ".join(parts)


def _because(reasons: Mapping[str, int]) -> str:
    named = [f"{words} ({count:,})" for words, count in list(reasons.items())[:_REASONS_NAMED]]
    others = sum(reasons.values()) - sum(list(reasons.values())[:_REASONS_NAMED])
    return ", ".join(named + ([f"other reasons ({others:,})"] if others else []))


def kept_sentence(kept: int) -> str:
    """Return how many pictures stay although their settings changed; "" if there are none."""
    if not kept:
        return ""
    them, was = ("it", "is kept as it was made") if kept == 1 else ("them", "are kept as they were made")
    return f"{counted(kept, 'picture')} {was}, under earlier settings ('run --redo changed' makes {them} again)"


def chosen_sentence(chosen: int) -> str:
    """Return for how many pictures a recipe was chosen, without a full stop; nothing if for none."""
    have = "has a recipe" if chosen == 1 else "have recipes"
    return (
        f"{counted(chosen, 'picture')} {have} of 'stylewatch redo --recipe' instead of the config's" if chosen else ""
    )
