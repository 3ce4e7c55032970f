"""Defines the values that the ledger takes and returns. Knows no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model import ChangeCause, Job, JobState, Losses, LossHistory, Photo


@dataclass(frozen=True, slots=True)
class WantedJob:
    """A picture that the config asks for.

    ``stem`` is its output name relative to the output folder, ``/`` between parts, without suffix ("sub/a--night").
    """

    job: Job
    settings_sha256: str
    stem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job leased to the caller.

    ``output`` is relative to the output folder, with suffix. ``photo_sha256`` is None while the content is unknown.
    ``attempts`` counts the failed ones so far; ``consecutive_failures``, those that cost no attempt too.
    ``original_sha256`` is the content that the published picture was made of if that original was moved away: a photo
    of other content is no newer version of that photo, but another one of its name. ``published_sha256`` is the hash
    of the picture that we published earlier under ``output`` (the picture of a newer version of that photo may
    replace exactly that), ``published_key`` that one's key, ``made_settings_sha256`` the settings it was made with.
    """

    token: str
    job: Job
    output: str
    photo: Photo
    photo_sha256: str | None
    settings_sha256: str
    attempts: int
    consecutive_failures: int
    published_sha256: str | None
    published_key: str | None
    original_sha256: str | None
    made_settings_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease on record, of any source; when a program starts, one that an earlier process left.

    ``artwork_sha256`` is set once the worker's temporary file was complete. ``photo_sha256`` is the content that
    was claimed, None if it was not recorded.
    """

    token: str
    job: Job
    output: str
    photo_sha256: str | None
    settings_sha256: str
    artwork_sha256: str | None
    published_sha256: str | None


@dataclass(frozen=True, slots=True)
class Original:
    """A photo whose pictures are all done, and the content they were made of."""

    photo: Photo
    sha256: str


@dataclass(frozen=True, slots=True)
class Move:
    """A move of an original that was begun and is not on record as ended; ``target`` is absolute."""

    original: Original
    target: str


@dataclass(frozen=True, slots=True)
class Published:
    """A published picture; the caller checks that the file still has that hash."""

    output: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownContent:
    """What was in a photo's file; ``moved_to``: where the original was moved, None if it should be in its folder."""

    path: str
    size_bytes: int
    sha256: str
    moved_to: str | None


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture that was there before the ledger, with the fields in its metadata; ``output`` as in Claim."""

    output: str
    key: str
    style: str
    recipe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """A picture on record, whether it was made or not; ``output`` as in Claim.

    ``sha256``: the hash of the file that was published, None if none ever was, and ``key`` that one's key, None if it
    is not known. ``absence`` says why the photo is not there, ``problem`` why it is set aside. ``is_wanted``: the
    config asks for it. ``has_present_settings``: it was made with what is wanted now; ``engine_version``: by this
    version of the engine, "" if that is not known.
    """

    job_id: int
    job: Job
    output: str
    state: JobState
    key: str | None
    sha256: str | None
    absence: str | None
    problem: str | None
    is_wanted: bool
    is_rejected: bool
    has_present_settings: bool = False
    engine_version: str = ""


@dataclass(frozen=True, slots=True)
class PendingPicture:
    """A job that can be claimed. ``causes``: why its finished picture is made again; empty for a new one."""

    job: Job
    causes: tuple[ChangeCause, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A job whose picture is current; ``absence`` is why its photo is not there, None if it is."""

    job: Job
    output: str
    sha256: str
    engine_version: str
    absence: str | None


@dataclass(frozen=True, slots=True)
class WithdrawnPicture:
    """A picture that was published for a job which is withdrawn now; ``output`` as in Claim, ``sha256`` its file's.

    If the photo is there, nothing asks for the picture; if not, it may be withdrawn for that alone.
    """

    job: Job
    output: str
    sha256: str
    photo_is_there: bool


@dataclass(frozen=True, slots=True)
class ForgottenPicture:
    """A withdrawn picture whose job has lost it, with what was on record: the ``key``, and if it was current.

    ``facts``: how it was made, as a row of their table.
    """

    picture: WithdrawnPicture
    job_id: int
    key: str | None
    was_current: bool
    facts: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A failed or quarantined job; ``when`` is in seconds since the epoch."""

    job: Job
    state: JobState
    reason: str
    attempts: int
    when: float


@dataclass(frozen=True, slots=True)
class PhotoProblem:
    """A photo that is quarantined as a whole; ``when`` is in seconds since the epoch."""

    path: str
    reason: str
    when: float


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A photo on record. ``photo`` is None if intake has to examine it again; a problem means quarantine."""

    path: str
    photo: Photo | None
    has_problem: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """How long pictures of the same settings took, all together; ``pixel_evaluations`` as in ``Leases.complete``."""

    pictures: int
    seconds: float
    pixel_evaluations: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many pictures of the same settings are pending or in progress."""

    recipe: str
    settings_sha256: str
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """How a picture was made; fields as in :class:`pipeline.model.Artwork`.

    ``photo_sha256`` is the content it was made of, ``program`` "stylewatch 0.1.0", ``settings`` what
    ``settings_record`` in :mod:`pipeline.picture_settings` says; None if that is not known.
    """

    width: int
    height: int
    sizes: tuple[int, ...]
    iterations: tuple[int, ...]
    first: Losses
    last: Losses
    seconds: float
    device: str
    cache_hits: int
    cache_misses: int
    photo_sha256: str
    program: str
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None
    history: LossHistory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryRow:
    """A job as the gallery lists it; ``output`` as in Claim. What is not known is 0, None or "".

    ``when``: when its present picture was published, of others when the job last changed; epoch seconds. A job that
    is to be made again has the picture that is there until then. ``style_loss`` is the last weighted one.
    ``photo_sha256``: the content the picture was made of, or the photo's present one. ``is_rejected``: it counts as
    done, but has no picture any more, as the user rejected that.
    """

    id: int
    job: Job
    output: str
    state: JobState
    when: float
    width: int
    height: int
    style_loss: float | None
    picture_sha256: str
    photo_sha256: str
    is_rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureDetails:
    """All that is on record about one job of the gallery.

    ``reason``: why there is no picture, or no photo any more; ``is_photo_set_aside``: it is the photo's.
    ``moved_to``: where the original was moved. ``copied``: from an equal photo's picture, whose facts these are.
    """

    row: GalleryRow
    key: str
    reason: str
    engine_version: str
    attempts: int
    photo_is_there: bool
    moved_to: str | None
    copied: bool
    facts: PictureFacts | None
    is_photo_set_aside: bool = False


@dataclass(frozen=True, slots=True)
class ChunkSummary:
    """The gallery's rows whose ids, divided by a chunk's size, give ``number``.

    ``newest``: the largest ``when`` of them; ``changed``: when a row of the chunk last changed.
    """

    number: int
    rows: int
    newest: float
    changed: float


@dataclass(frozen=True, slots=True)
class GalleryFailure:
    """A failed or quarantined job with its id."""

    id: int
    failure: FailureRow


@dataclass(frozen=True, slots=True)
class SecondsHistogram:
    """How many pictures took at most so many seconds, by that bound; the last bound is infinite."""

    buckets: tuple[tuple[float, int], ...]
    sum_seconds: float


@dataclass(frozen=True, slots=True)
class Totals:
    """What a ledger has counted since it counts, whatever became of the pictures since.

    ``failures`` by :class:`pipeline.model.FailureKind`, each attempt one; ``seconds`` by device.
    """

    pictures_made: int
    pictures_copied: int
    failures: Mapping[str, int]
    seconds: Mapping[str, SecondsHistogram]
