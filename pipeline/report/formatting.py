"""Formats values for people: counts, durations, safe names, a run's outcome. Writes nothing itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.model import (
    IncompleteFile,
    Job,
    JobFailed,
    JobFinished,
    JobState,
    Losses,
    PhotoSetAside,
    PhotosSkipped,
    RunFinished,
    Standing,
)

#: Up to so many skipped photos are named, of more only the number is said.
_SKIPPED_NAMED: Final = 3

#: The same of masks that belong to no photo.
_MASKS_NAMED: Final = 3

_AGE_MATTERS_SECONDS: Final = 60.0

#: The words that people read for the states of pictures; programs read the states themselves.
_STATE_WORDS: Final = {
    JobState.PENDING: "waiting",
    JobState.LEASED: "being painted",
    JobState.DONE: "done",
    JobState.FAILED: "will be tried again",
    JobState.QUARANTINED: "given up",
    JobState.WITHDRAWN: "withdrawn",
}

#: What a run does between its beginning and its first picture.
LOADING_TEXT: Final = "loading the network"

_FAILURE_WORDS: Final = {
    JobState.PENDING: "is waiting again",
    JobState.FAILED: "failed and will be tried again",
    JobState.QUARANTINED: "failed and is given up",
    JobState.WITHDRAWN: "is withdrawn",
}


#: By the kind of a PhotoSetAside, of one photo and of several.
_SET_ASIDE_WORDS: Final = {
    "quarantined": ("is set aside", "are set aside"),
    "unpaired": ("gets no picture", "get no picture"),
    "incomplete": ("waits", "wait"),
    "gone": ("gets no picture", "get no picture"),
}


def state_words(state: JobState) -> str:
    """Return what a picture's state is called for people: waiting, being painted, done, given up ..."""
    return _STATE_WORDS[state]


def printable(text: str) -> str:
    r"""Return ``text`` safe to print, on one line: control characters, bidi marks and odd bytes as ``\n``, ``\x1b``
    ...

    File names may hold all of these, and would otherwise forge lines of a log or move a terminal's cursor.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def made_text(event: JobFinished) -> str:
    """Return ``zoo/lion.jpg × wave → zoo/lion--wave.jpg (12.3 s)``, with what the picture could not hold."""
    artwork = event.artwork
    took = (
        "copied from an equal picture" if artwork is None else "; ".join((duration(artwork.seconds), *artwork.notes))
    )
    return f"{event.job} → {event.output} ({took})"


def failed_text(event: JobFailed) -> str:
    """Return which picture was not made, what becomes of it, and why."""
    return failure_text(event.job, event.state, event.reason)


def failure_text(job: Job, state: JobState, reason: str) -> str:
    """Return the same of a picture on record."""
    return f"{job} {_FAILURE_WORDS.get(state, 'failed')}: {reason}"


def set_aside_text(event: PhotoSetAside) -> str:
    """Return of which photo no picture is made, and why."""
    it = "it " if event.kind == "unpaired" else ""
    return f"{event.path} {_SET_ASIDE_WORDS[event.kind][0]}: {it}{event.reason}"


def as_before_text(photos: Iterable[PhotoSetAside]) -> str:
    """Return how many photos still are what was said of each of them earlier."""
    counts: Counter[str] = Counter(photo.kind for photo in photos)
    parts = [
        f"{counted(counts[kind], 'photo')} {words[counts[kind] > 1]}"
        for kind, words in _SET_ASIDE_WORDS.items()
        if counts[kind]
    ]
    them = "it" if counts.total() == 1 else "them"
    return f"as before, {', '.join(parts)}: 'stylewatch status' names {them}"


def skipped_text(event: PhotosSkipped) -> str:
    """Return which photos are skipped, and why; how many, if they are too many to be named."""
    if event.new_count > _SKIPPED_NAMED:
        return skipped_counts_text(event.counts)
    return "; ".join(f"{path} is skipped ({reason})" for path, reason in event.new)


def skipped_counts_text(counts: Mapping[str, int]) -> str:
    """Return ``5 photos skipped (smaller than 64 px: 3, screenshot: 2)``."""
    reasons = ", ".join(f"{reason}: {count:,}" for reason, count in counts.items())
    return f"{counted(sum(counts.values()), 'photo')} skipped ({reasons})"


def counted(number: int, noun: str) -> str:
    """Return ``1 picture``, ``2 pictures``, ``12,345 pictures``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def of_no_photo(masks: Sequence[str]) -> str:
    """Return ``1 of them belongs to no photo (sea/1.png)``; of many masks the first ones are named."""
    named = ", ".join(printable(mask) for mask in masks[:_MASKS_NAMED])
    more = f" and {len(masks) - _MASKS_NAMED:,} more" if len(masks) > _MASKS_NAMED else ""
    return f"{len(masks):,} of them {'belongs' if len(masks) == 1 else 'belong'} to no photo ({named}{more})"


def byte_size(size_bytes: int) -> str:
    """Return ``0.5 kB``, ``21.7 kB``, ``1.2 GB``, ``3.0 TB``."""
    for unit, factor in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size_bytes < 999.95 * factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / 1e12:,.1f} TB"


def duration(seconds: float) -> str:
    """Return a duration for people: ``4.2 s``, ``3 min 20 s``, ``5 h 10 min``, ``53 days``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 2 * 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{round(seconds / 86400)} days"


def time_left(seconds: float) -> str:
    """Return an estimate for people, without a precision that it does not have: ``about 18 s left``."""
    return f"about {f'{max(1, round(seconds))} s' if seconds < 59.5 else duration(round(seconds))} left"


def unpaired_left_out(count: int, where: str = "the report and the journal name all of them") -> str:
    """Return what is said, in their place, of photos without a picture that are too many to be named."""
    return f"... and {counted(count, 'more photo')} without a picture; {where}"


def incomplete_reason(file: IncompleteFile, now: float) -> str:
    """Return why a file is incomplete, and for how long at ``now`` (seconds since the epoch) once that matters."""
    age_seconds = now - file.since
    since = f"; it has been so for {duration(age_seconds)}" if age_seconds >= _AGE_MATTERS_SECONDS else ""
    return f"{file.reason}{since}"


def losses(values: Losses) -> str:
    """Return ``total 0.123, content 0.1, style 0.023``."""
    return f"total {values.total:.4g}, content {values.content:.4g}, style {values.style:.4g}"


def outcome(event: RunFinished) -> str:
    """Return the outcome of a run as one sentence without its full stop."""
    skipped = f"; {skipped_counts_text(event.photos_skipped)}" if event.photos_skipped else ""
    return f"{_outcome_of_pictures(event)}{skipped}"


def _outcome_of_pictures(event: RunFinished) -> str:
    # With a reason the run ended early: there may be work left that was not counted.
    counts = (event.finished, event.copied, event.failed, event.photos_set_aside, event.left)
    if not (any(counts) or event.interrupted or event.reason):
        return f"nothing to do: {_what_is_there(event.standing or Standing())}"
    parts = [f"{counted(event.finished, 'picture')} made"]
    parts += [f"{event.copied:,} copied"] if event.copied else []
    parts += [f"{counted(event.failed, 'picture')} failed"] if event.failed else []
    parts += [f"{counted(event.photos_set_aside, 'photo')} set aside"] if event.photos_set_aside else []
    left = f", {event.left:,} left for the next run" if event.left else ""
    said = f"{', '.join(parts)} in {duration(event.seconds)}{left}"
    said = f"interrupted: {said}" if event.interrupted else said
    return f"{said} ({printable(event.reason)})" if event.reason else said


def _what_is_there(standing: Standing) -> str:
    of_photos = "" if standing.photos is None else f" of {counted(standing.photos, 'photo')}"
    if standing.given_up or standing.failed or standing.photos_set_aside:
        exist = "exists" if standing.done == 1 else "exist"
        parts = [f"{counted(standing.done, 'picture')}{of_photos} {exist} already"] if standing.done else []
        parts += [f"{counted(standing.rejected, 'picture')} rejected"] if standing.rejected else []
        parts += [f"{counted(standing.given_up, 'picture')} given up"] if standing.given_up else []
        parts += [f"{counted(standing.failed, 'picture')} will be tried again"] if standing.failed else []
        parts += [f"{counted(standing.photos_set_aside, 'photo')} set aside"] if standing.photos_set_aside else []
        return ", ".join(parts) + "; 'stylewatch status' says why"
    if standing.done or standing.rejected:
        rejected = f", but for {standing.rejected:,} rejected" if standing.rejected else ""
        return f"all pictures{of_photos} exist already ({standing.done:,}){rejected}"
    return "'stylewatch plan' shows what was found"


def efficiency(event: RunFinished) -> str:
    """Return how often style targets came from the cache, and how full the engine's batches were."""
    targets = f"{counted(event.cache_misses, 'style target')} computed, {event.cache_hits:,} taken from the cache"
    return f"{targets}; {100 * event.slots_used / event.slots_offered:.1f} % of the engine's slots were in use"
