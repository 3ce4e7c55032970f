"""Opens a config's ledger, and resolves its styles, recipes and rules for a pass.

Reads only the files of paintings, and of images that pictures start from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pipeline.config import Config
from pipeline.config.masks import KEEP
from pipeline.config.paintings import PaintingChoice
from pipeline.config.settings import folder_settings
from pipeline.errors import PaintingError
from pipeline.hashing import (
    SettingsParts,
    masked_settings_sha256,
    settings_parts,
    settings_sha256,
    sha256_of_file,
    weights_id,
    with_image_hash,
)
from pipeline.ledger import LEDGER_NAME, Ledger, LockWait, MaskedSettings, WantedJob
from pipeline.model import FolderSettings, Job, Painting, Recipe, Region, Style
from pipeline.pairing import PairingPlan, Rule, pair
from pipeline.runner.found_pictures import find_pictures
from pipeline.runner.instance.folder_marks import mark_folders, require_folders, require_no_foreign_files
from pipeline.runner.instance.relative_paths import relative_to_folder


def require_state_and_output(config: Config) -> None:
    """Raise, before anything is written, if the folders of state and pictures are not in place.

    StorageError: a disk is not mounted. LedgerError, UsageError: a folder already serves another purpose.
    """
    state, output, log = config.state.folder, config.output.folder, config.log
    require_folders(state, output)
    require_no_foreign_files(state, (config.cache.folder, log.file, log.journal, log.reports))


def open_ledger(
    config: Config,
    lock_wait: LockWait | None = None,
    emit: Callable[[str], None] = lambda _text: None,
    config_file: Path | None = None,
) -> Ledger:
    """Open the config's ledger for its input folder. Raises LedgerError, StorageError, UsageError.

    ``lock_wait``: see :class:`pipeline.ledger.LockWait`. ``emit`` is called with a sentence if the pictures were
    moved, or if the ledger is new and there are finished pictures. ``config_file`` is recorded as their config.
    """
    require_state_and_output(config)
    folders = folder_settings(config)
    ledger = Ledger.open(ledger_file(folders), source_of(folders), lock_wait=lock_wait)
    try:
        if notice := mark_folders(config.state.folder, config.output.folder):
            emit(notice)
        if notice := find_pictures(ledger, config.output.folder):
            emit(notice)
        if config_file is not None:
            ledger.config_files.record(config_file.absolute())
    except BaseException:
        ledger.close()
        raise
    return ledger


def ledger_file(folders: FolderSettings) -> Path:
    """Return where the ledger is."""
    return folders.state / LEDGER_NAME


def source_of(folders: FolderSettings) -> str:
    """Return the ledger's name of the input folder, by which configs that share an output folder are told apart.

    Relative to the output folder, so that a tree that holds both can be moved and no picture is made again.
    """
    return relative_to_folder(folders.output, folders.input)


@dataclass(frozen=True, slots=True)
class ResolvedConfig:
    """What all jobs of a pass share.

    ``settings_sha256``: by style and recipe, the hash of all that decides the pixels beside the photo.
    ``region_settings``: the same of those styles that have regions, where the photo has a mask; the mask's hash comes
    to it. ``settings_parts``: by these hashes, those of what they are made of. ``weights``: the id of the network's
    weights.
    """

    styles: Mapping[str, Style]
    recipes: Mapping[str, Recipe]
    settings_sha256: Mapping[tuple[str, str], str]
    pairing: PairingPlan
    name_template: str
    settings_parts: Mapping[str, SettingsParts] = field(default_factory=dict)
    weights: str = ""
    region_settings: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def uses_masks(self) -> bool:
        """Whether what becomes of a photo depends on its mask."""
        return bool(self.region_settings)

    def recipe_settings(self) -> tuple[tuple[str, str], ...]:
        """Return each recipe with the hash of its settings in each style, with a mask and without."""
        settings = (*self.settings_sha256.items(), *self.region_settings.items())
        return tuple((recipe, sha256) for (_, recipe), sha256 in settings)

    def jobs_of(self, photos: Iterable[str], choices: Mapping[Job, str]) -> Iterator[Job]:
        """Yield the jobs of photos; ``choices`` of recipes that the config has no more don't count."""
        return pair(photos, self.pairing, {job: name for job, name in choices.items() if name in self.recipes})

    def wanted_jobs(
        self, jobs: Iterable[Job], mask_of: Callable[[str], str]
    ) -> tuple[list[WantedJob], list[MaskedSettings]]:
        """Return what the ledger has to know of jobs, and of the masks by which their pictures are made.

        ``mask_of`` returns the content of a photo's mask, "" if it has none.
        """
        wanted, masked = [], []
        for job in jobs:
            settings = self.settings_sha256[job.style, job.recipe]
            with_regions = self.region_settings.get((job.style, job.recipe))
            if with_regions is not None and (mask := mask_of(job.photo)):
                settings = masked_settings_sha256(with_regions, mask)
                masked.append(MaskedSettings(settings, with_regions, mask))
            wanted.append(WantedJob(job, settings, output_stem(self.name_template, job)))
        return wanted, masked


def resolve_config(config: Config) -> ResolvedConfig:
    """Hash paintings and images, and resolve styles, recipes and rules. Raises PaintingError, WeightsError."""
    styles = _styles(config)
    recipes = {name: with_image_hash(recipe) for name, recipe in config.recipes_by_name().items()}
    weights = weights_id(config.engine_settings().weights)
    whole = {name: replace(style, regions=()) for name, style in styles.items()}
    with_regions = {name: style for name, style in styles.items() if style.regions}
    settings, region_settings = (
        {
            (style.name, recipe.name): settings_sha256(style, recipe, weights)
            for style in chosen.values()
            for recipe in recipes.values()
        }
        for chosen in (whole, with_regions)
    )
    parts = {
        known[style, recipe]: settings_parts(chosen[style], recipes[recipe], weights)
        for known, chosen in ((settings, whole), (region_settings, with_regions))
        for style, recipe in known
    }
    return ResolvedConfig(
        styles=styles,
        recipes=recipes,
        settings_sha256=settings,
        region_settings=region_settings,
        settings_parts=parts,
        pairing=pairing_plan(config),
        name_template=config.output.name,
        weights=weights,
    )


def _styles(config: Config) -> dict[str, Style]:
    """Return the styles by name, in the order of the file."""
    plain = {
        style.name: Style(style.name, tuple(map(_painting, style.paintings)), style.scale)
        for style in config.styles
        if not style.regions
    }
    return {
        style.name: _with_regions(style.name, style.regions, plain) if style.regions else plain[style.name]
        for style in config.styles
    }


def _with_regions(name: str, regions: Mapping[str, str], styles: Mapping[str, Style]) -> Style:
    """Return a style with regions: that of the first painted one comes first, and paints photos without a mask.

    The order of the others is not the config's, so that it changes no key.
    """
    found = [Region(color, None if style == KEEP else styles[style]) for color, style in regions.items()]
    first = next(region for region in found if region.style is not None)
    assert first.style is not None
    others = sorted((region for region in found if region is not first), key=lambda region: region.color)
    return Style(name, first.style.paintings, first.style.scale, (first, *others))


def pairing_plan(config: Config) -> PairingPlan:
    """Return what decides which photo gets which styles. Reads no file."""
    rules = tuple(Rule(rule.match, rule.styles, rule.recipes) for rule in config.pairing.rules)
    return PairingPlan(
        by=config.pairing.by, recipes_of={style.name: style.recipes for style in config.styles}, rules=rules
    )


def output_stem(template: str, job: Job) -> str:
    """Fill an output name template for a job; the result is relative to the output folder and has no suffix."""
    photo = PurePosixPath(job.photo)
    name = template.format(
        folder=str(photo.parent) if photo.parent.name else "",
        stem=photo.stem,
        suffix=photo.suffix.lstrip("."),
        style=job.style,
        recipe=job.recipe,
        variant=variant_of(job),
    )
    return str(PurePosixPath(name.lstrip("/")))


def variant_of(job: Job) -> str:
    """Return which of a photo's pictures a job makes: STYLE, or STYLE--RECIPE for a recipe but "default"."""
    return job.style if job.recipe == "default" else f"{job.style}--{job.recipe}"


def _painting(chosen: PaintingChoice) -> Painting:
    try:
        return Painting(chosen.path, sha256_of_file(chosen.path), chosen.weight, chosen.scale)
    except OSError as error:
        raise PaintingError(
            f"{chosen.path}: the painting can't be read ({error.strerror}); check its path in 'styles'"
        ) from error
