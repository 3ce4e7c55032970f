"""The whole config, section by section. Owns keys, defaults, descriptions and settings objects for others.

After validation all attributes are plain and complete, and paths are absolute. The longer sections have modules of
their own. Reads no files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import platformdirs
from pydantic import BeforeValidator, Field, StrictBool, Tag, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.byte_sizes import ByteSize, MemorySize
from pipeline.config.folder_rules import MoveSection, Originals, require_own_folder
from pipeline.config.gallery import GallerySection
from pipeline.config.hooks import HooksSection
from pipeline.config.ignore_patterns import IgnorePattern
from pipeline.config.masks import MasksSection
from pipeline.config.output import OutputSection
from pipeline.config.pairing import PairingSection
from pipeline.config.recipes import IMPORT, RecipeSection
from pipeline.config.schedule import OptionalWindows
from pipeline.config.section import Section
from pipeline.config.skip import SkipSection
from pipeline.config.styles import StyleSection
from pipeline.model import (
    CheckpointRules,
    ClaimOrder,
    EngineSettings,
    PictureOptions,
    PrecisionKind,
    PreprocessingKind,
    RandomOrder,
    RawChoice,
    Recipe,
    WeightsChoice,
    WindowRule,
)

_MEGABYTE: Final = 1_000_000
_ENGINE: Final = EngineSettings()
#: The recipes of a config are complete when it is validated, so that this key is none of the models'.
_IMPORT_SCHEMA: Final = {
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}],
    "default": [],
    "description": "Files whose recipes are taken in, relative to the config, else of those that come with the "
    "program; what the config sets of such a recipe itself counts before.",
}


def _resolved(path: str) -> Any:
    # Defaults are relative, as in a config; validate_default makes them absolute.
    return Path(path)


class RandomSection(Section):
    """Photos in random order."""

    random: f.Count = Field(description="The seed: another number is another order.")


Order = Annotated[
    Annotated[RandomSection, Tag(f.MAPPING_TAG)]
    | Annotated[Literal["newest", "oldest", "name", "random"], Tag(f.PLAIN_TAG)],
    f.one_of_forms("newest, oldest, name, random, or random: SEED"),
]


class InputSection(Section):
    """Where photos come from."""

    folder: f.ResolvedPath = Field(_resolved("input"), description="The folder of photos, with all its sub-folders.")
    ignore: tuple[IgnorePattern, ...] = Field(
        (), description="Patterns of files and folders to leave alone, as in .gitignore."
    )
    skip: SkipSection = Field(SkipSection(), description="Which photos get no pictures, by what they are.")
    raw: RawChoice = Field(
        "prefer_jpeg", description="Of a camera raw beside its JPEG: prefer_jpeg, prefer_raw, or both."
    )
    order: Order = Field("newest", description="Which photos come first.")
    settle_seconds: f.Seconds = Field(
        2.0, description="A photo is ready when its file has not changed for this long."
    )
    incomplete_seconds: f.Seconds = Field(
        3600.0,
        description="A file that stays incomplete and unchanged for this long is tried all the same, or set aside.",
    )
    watch: Literal["auto", "events", "polling"] = Field(
        "auto", description="How 'watch' notices changes: by file events, or by polling (network shares)."
    )
    rescan_seconds: f.PositiveInteger = Field(
        300,
        description="How often 'watch' scans the whole folder without an event; less often if that takes long.",
    )
    max_megapixels: f.Factor = Field(500.0, description="Larger photos are refused as decompression bombs.")
    archives: StrictBool = Field(True, description="Treat .zip, .tar, .tar.gz and .tgz files as folders of photos.")
    archive_space: ByteSize = Field(
        2_000_000_000, description="The most disk space, in state.folder, for photos taken out of archives."
    )
    max_archive_size: ByteSize = Field(
        100_000_000_000, description="Archives that unpack to more are refused as decompression bombs."
    )
    max_archive_files: f.PositiveInteger = Field(100_000, description="Archives with more files are refused.")
    originals: Originals = Field(
        "keep",
        description="What becomes of a photo once all its pictures are made: keep, or move: FOLDER.",
    )

    @property
    def claim_order(self) -> ClaimOrder:
        """Which photos come first."""
        if isinstance(self.order, RandomSection):
            return RandomOrder(self.order.random)
        return RandomOrder() if self.order == "random" else self.order

    @property
    def originals_folder(self) -> Path | None:
        """The folder that finished photos are moved to; None if they are kept."""
        return self.originals.move if isinstance(self.originals, MoveSection) else None

    @property
    def max_pixels(self) -> int:
        """The most pixels, width × height, of a photo."""
        return round(self.max_megapixels * _MEGABYTE)


class EngineSection(Section):
    """What the style transfer runs on."""

    device: f.Device = Field(_ENGINE.device, description="auto (cuda, then mps, then cpu), cpu, mps, cuda or cuda:N.")
    weights: f.WeightsSource = Field(
        _ENGINE.weights.source,
        description="VGG-19: embedded (Oxford's), torchvision, or a .pth or .safetensors file.",
    )
    preprocessing: PreprocessingKind = Field(
        _ENGINE.weights.preprocessing, description="What a weights file expects: torchvision (RGB) or caffe (BGR)."
    )
    precision: PrecisionKind = Field(_ENGINE.precision, description="auto, float32 or bfloat16 for convolutions.")
    threads: Annotated[f.Count, Field(le=4096)] = Field(_ENGINE.threads, description="CPU threads; 0 = all cores.")
    batch_size: Annotated[f.Count, Field(le=10_000)] = Field(
        _ENGINE.batch_size, description="Pictures worked on at once; 0 = what memory allows."
    )
    memory: MemorySize = Field(
        _ENGINE.memory_bytes,
        description="The most memory, like 8 GB; larger pictures are made in blocks. auto = 3/5 of the machine's.",
    )


class CacheSection(Section):
    """What is computed once for each painting."""

    folder: f.ResolvedPath = Field(
        _resolved("{output}/.stylewatch/styles"), description="Folder of the style cache. {output} is output.folder."
    )
    max_megabytes: f.Count = Field(
        _ENGINE.cache_limit_bytes // _MEGABYTE, description="The oldest entries go when the cache grows larger."
    )


class StateSection(Section):
    """What the program stores about its work, and when it gives up."""

    folder: f.ResolvedPath = Field(
        _resolved("{output}/.stylewatch"), description="Folder of the state database and lock."
    )
    max_attempts: f.PositiveInteger = Field(3, description="A picture that fails this often is given up.")
    max_crashes: f.PositiveInteger = Field(3, description="A picture that kills its worker this often is given up.")
    retry_seconds: f.Seconds = Field(
        60.0, description="A daemon tries a failed picture again after this long, then twice as long, and so on."
    )
    max_retry_seconds: f.Seconds = Field(
        3600.0, description="No picture waits longer than this for its next attempt."
    )
    hang_seconds: f.Seconds = Field(
        1800.0, description="A worker that shows no progress for this long is replaced; 0 = never."
    )
    grace_seconds: f.Seconds = Field(
        10.0,
        description="After a stop, pictures in progress may be finished for this long, and are saved then.",
    )
    checkpoint_seconds: f.Seconds = Field(
        300.0, description="How often the progress of a picture is saved; 0 = only when work is stopped."
    )
    checkpoint_space: ByteSize = Field(
        16_000_000_000,
        description="The most disk space, in state.folder, for saved progress; 0 = none is saved.",
    )

    @field_validator("folder")
    @classmethod
    def _own_folder(cls, folder: Path, info: ValidationInfo) -> Path:
        return require_own_folder(folder, info)


class LogSection(Section):
    """What is written about the work."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is logged."
    )
    file: f.ResolvedPath = Field(_resolved("{output}/stylewatch.log"), description="The log, for people.")
    journal: f.ResolvedPath = Field(
        _resolved("{output}/journal.jsonl"), description="One JSON object a line for each event, for programs."
    )
    reports: f.ResolvedPath = Field(_resolved("{output}/reports"), description="Folder of the runs' reports.")
    keep_reports: f.Count = Field(100, description="How many reports are kept, the latest ones; 0 = all.")
    keep_report_days: Annotated[f.Count, Field(le=100_000)] = Field(
        365, description="For how many days a report is kept; 0 = for ever."
    )
    max_megabytes: f.Factor = Field(10.0, description="Log and journal begin a new file at this size.")
    backups: Annotated[f.Count, Field(le=10_000)] = Field(
        5, description="How many older log and journal files are kept."
    )


def _empty_section() -> Any:
    # An empty mapping: validate_default makes the section of it, with absolute paths.
    return {}


def _none_to_empty(value: Any) -> Any:
    return {} if value is None else value


class Config(Section):
    """The settings of one stylewatch folder."""

    input: InputSection = Field(default_factory=_empty_section, description="Where photos come from.")
    output: OutputSection = Field(default_factory=_empty_section, description="Where pictures go.")
    masks: MasksSection = Field(default_factory=_empty_section, description="Which parts of photos get which style.")
    styles: tuple[StyleSection, ...] = Field(min_length=1, description="At least one style: a name and its painting.")
    recipes: Annotated[dict[f.RecipeName, RecipeSection], BeforeValidator(_none_to_empty)] = Field(
        {}, description="Named sets of transfer settings. 'default' always exists; each begins from the defaults."
    )
    pairing: PairingSection = Field(default_factory=_empty_section, description="Which photos get which styles.")
    schedule: OptionalWindows = Field(
        (), description="When 'watch' makes pictures: a window, or a list of them; [] = always."
    )
    engine: EngineSection = Field(default_factory=_empty_section, description="Device, weights, precision.")
    cache: CacheSection = Field(default_factory=_empty_section, description="The style cache.")
    state: StateSection = Field(default_factory=_empty_section, description="State database, retries, checkpoints.")
    log: LogSection = Field(default_factory=_empty_section, description="Log, journal and reports.")
    gallery: GallerySection = Field(default_factory=_empty_section, description="The web page of all pictures.")
    hooks: HooksSection = Field(default_factory=_empty_section, description="Your own commands, run without a shell.")

    def recipes_by_name(self) -> dict[str, Recipe]:
        """Return all recipes, ``default`` among them, in the order of the file."""
        named = {name: section.recipe(name) for name, section in self.recipes.items()}
        return named if "default" in named else {"default": Recipe(), **named}

    def style_folders(self) -> tuple[str, ...]:
        """Return the names of the folders in the input folder that are made if missing, one a style."""
        return tuple(style.name for style in self.styles) if self.pairing.folders_to_make else ()

    def window_rules(self) -> tuple[WindowRule, ...]:
        """Return when a daemon may make pictures; empty = always."""
        windows = self.schedule if isinstance(self.schedule, tuple) else (self.schedule,)
        return tuple(window.rule() for window in windows)

    def engine_settings(self) -> EngineSettings:
        """Return what the engine runs on, with the cache's folder absolute."""
        return EngineSettings(
            device=self.engine.device,
            weights=WeightsChoice(self.engine.weights, self.engine.preprocessing),
            precision=self.engine.precision,
            threads=self.engine.threads,
            batch_size=self.engine.batch_size,
            memory_bytes=self.engine.memory,
            cache_folder=self.cache.folder,
            machine_folder=platformdirs.user_cache_path("stylewatch"),
            cache_limit_bytes=self.cache.max_megabytes * _MEGABYTE,
        )

    def checkpoint_rules(self) -> CheckpointRules:
        """Return when and within what space checkpoints of pictures are saved."""
        return CheckpointRules(
            every_seconds=self.state.checkpoint_seconds,
            space_bytes=self.state.checkpoint_space,
            min_free_bytes=self.output.min_free_disk,
        )

    def picture_options(self) -> PictureOptions:
        """Return how a picture is written."""
        return self.output.picture_options()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a config file, with a description of every key, for editors."""
    schema = Config.model_json_schema()
    schema["properties"]["recipes"]["properties"] = {IMPORT: _IMPORT_SCHEMA}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "stylewatch config"}
