"""What the packages of runner and daemon get from the config: small frozen classes of plain values, one for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.model.inputs import EngineSettings, PictureFormat, PictureOptions, PreviewOptions, Recipe
from pipeline.model.skip import RawChoice, SkipRules

# --- execution, originals, instance -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RandomOrder:
    """Photos come in a random order, which is the same one for the same seed, whatever photos there are."""

    seed: int = 0


ClaimOrder = Literal["newest", "oldest", "name"] | RandomOrder

#: What becomes of finished pictures whose settings have changed.
OnChange = Literal["repaint", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSettings:
    """The absolute folders of photos, pictures and the program's state.

    ``originals`` None = photos are not moved; ``masks`` None = photos have none.
    """

    input: Path
    output: Path
    state: Path
    originals: Path | None = None
    masks: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """After how many failures a picture is given up, and how long it waits for its next attempt.

    It waits ``first_delay_seconds`` after the first failure, twice as long after the second, and so on.
    """

    max_attempts: int = 3
    max_crashes: int = 3
    first_delay_seconds: float = 60.0
    max_delay_seconds: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSettings:
    """What a pass over the pending pictures needs; of the ``engine`` only what its speed depends on.

    ``max_pixels`` bounds width × height of a photo. ``min_free_bytes`` is left free on the pictures' disk,
    ``archive_space_bytes`` bounds what photos taken out of archives take. ``raw``: what belongs to an original
    that is moved. A stop leaves ``grace_seconds`` to the pictures in progress. ``previews`` None = no gallery.
    """

    folders: FolderSettings
    engine: EngineSettings = field(default_factory=EngineSettings)
    retries: RetryPolicy = RetryPolicy()
    picture: PictureOptions = PictureOptions()
    order: ClaimOrder = "newest"
    on_change: OnChange = "repaint"
    max_pixels: int = 500_000_000
    min_free_bytes: int = 0
    archive_space_bytes: int = 2_000_000_000
    keep_checkpoints: bool = True
    raw: RawChoice = "prefer_jpeg"
    grace_seconds: float = 10.0
    previews: PreviewOptions | None = None


# --- ingest, watching, planning, status -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """Which photos are in the input ``folder``, and when they are complete.

    ``ignore`` holds patterns as in .gitignore, ``excluded`` the folders that are never entered. A file is complete
    when it has not changed for ``settle_seconds`` and its content is whole; one that stays incomplete and unchanged
    for ``incomplete_seconds`` is tried all the same. ``archives``: they count as folders of photos. The bounds are
    those of an archive, of a photo in it (all of ``archive_space_bytes``), and of a photo's width × height. ``skip``
    and ``raw`` say which photos get no pictures. ``masks``: the folder of masks, which holds no photos; None = there
    is none.
    """

    folder: Path
    ignore: tuple[str, ...] = ()
    excluded: tuple[Path, ...] = ()
    settle_seconds: float = 2.0
    incomplete_seconds: float = 3600.0
    archives: bool = True
    max_archive_files: int = 100_000
    max_archive_bytes: int = 100_000_000_000
    archive_space_bytes: int = 2_000_000_000
    max_pixels: int = 500_000_000
    picture_format: PictureFormat = "jpeg"
    on_change: OnChange = "repaint"
    skip: SkipRules = field(default_factory=SkipRules)
    raw: RawChoice = "prefer_jpeg"
    masks: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How a daemon watches ``folder``; ``mode`` auto = by file events unless it is on a network share.

    The whole folder is scanned every ``rescan_seconds``.
    """

    folder: Path
    mode: Literal["auto", "events", "polling"] = "auto"
    rescan_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What decides which pictures a run would make, in which order, and how long they take.

    ``previews`` None = no gallery, whose copies take room, too.
    """

    folders: FolderSettings
    ingest: IngestSettings
    engine: EngineSettings
    order: ClaimOrder = "newest"
    picture: PictureOptions = PictureOptions()
    min_free_bytes: int = 0
    previews: PreviewOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSettings:
    """What the status is collected from."""

    folders: FolderSettings
    recipes: Mapping[str, Recipe]
    engine: EngineSettings


# --- the gallery ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class GallerySettings:
    """What the gallery shows besides what is on record, and where its folder is (``previews``).

    ``enabled``: it is written during the work. ``config_name``: the config as it was typed, ``config_text`` what it
    sets, without what must not be shown. ``cache_folder``: of the style cache.
    """

    status: StatusSettings
    previews: PreviewOptions
    enabled: bool
    picture_format: PictureFormat
    config_name: str
    config_text: str
    cache_folder: Path
    reports: Path
