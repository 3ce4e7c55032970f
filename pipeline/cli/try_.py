"""``stylewatch try``: makes pictures of a few photos, to find settings. Owns options, question and messages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click

from pipeline.cli.display import Display
from pipeline.cli.line_width import echo
from pipeline.cli.options import json_option, quiet_option
from pipeline.cli.questions import can_ask
from pipeline.cli.runtime import INTERRUPTED, stop_on_signal
from pipeline.config import ConfigWithVariants, load_variants
from pipeline.config.settings import gallery_settings, ingest_settings, pass_settings
from pipeline.engine.speed import Speed, read_speed
from pipeline.errors import PhotoError, StylewatchError, UsageError
from pipeline.executors.local import LocalExecutor
from pipeline.executors.measuring import load_or_measure_speed
from pipeline.model import EngineSettings
from pipeline.report.formatting import counted, printable
from pipeline.runner.checking import require_usable_for_trial
from pipeline.runner.gallery.first_page import write_first_page
from pipeline.runner.gallery.writer import page_of
from pipeline.runner.made_pictures import find_picture
from pipeline.runner.planning.run_plan import approximate_duration
from pipeline.runner.preparation import ResolvedConfig, resolve_config
from pipeline.runner.trial.like import Like, config_like, find_config, find_photo
from pipeline.runner.trial.plan import TrialPlan, count_pictures, plan_pictures, plan_trial, read_photos
from pipeline.runner.trial.sample import sample_photos
from pipeline.runner.trial.trial import Trial, TrialResult, run_trial

#: More pictures need --limit: a mistake in a list would take days.
MOST_PICTURES: Final = 64
#: From so many pictures, or so many seconds, on it is asked whether to make them.
_LARGE_PICTURES: Final = 24
_LARGE_SECONDS: Final = 900.0
_CONFIG_SUFFIXES: Final = (".yaml", ".yml")


@click.command(name="try")
@click.argument("config_and_photos", nargs=-1, type=click.Path(path_type=Path), metavar="CONFIG [PHOTO]...")
@click.option(
    "--sample", type=click.IntRange(1, 50), metavar="N", help="N photos of the input folder that differ, instead."
)
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Make PICTURE (a path here or in the output folder) again, with the settings that stand in it; CONFIG and "
    "PHOTO may be left out where the records beside it know them.",
)
@click.option("--print", "prints", is_flag=True, help="With --like: print these settings as YAML, and make nothing.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Folder of the pictures.")
@click.option("--style", "styles", multiple=True, metavar="NAME", help="Only this style; may be repeated.")
@click.option("--recipe", "recipes", multiple=True, metavar="NAME", help="This recipe instead of the styles' own.")
@click.option(
    "--set",
    "set_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of all recipes, or 'scale' of all styles: strength=0.3; a list compares its values: "
    "'strength=[0.3, 0.5, 0.7]'. May be repeated.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=MOST_PICTURES,
    show_default=True,
    help="Refuse to make more pictures than this.",
)
@click.option("-y", "--yes", is_flag=True, help="Make many pictures without asking.")
@quiet_option
@json_option
def try_(
    config_and_photos: tuple[Path, ...],
    sample: int | None,
    like: Path | None,
    prints: bool,
    into: Path | None,
    styles: tuple[str, ...],
    recipes: tuple[str, ...],
    set_options: tuple[str, ...],
    limit: int,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make pictures of a few PHOTOs in all styles, to find settings.

    Settings that list values in the config, or by --set, are tried in all combinations, the cheapest first. The
    pictures and a contact sheet of them go into a folder of their own, OUTPUT/try/PHOTO unless --into names another
    one. The ledger is not touched and no file is overwritten, so trials can be compared. PHOTO may be anywhere.
    """
    say: Callable[[str], None] = partial(_say, quiet=quiet or as_json)
    _require_fitting(like, prints, (*styles, *recipes))
    config, photos = _config_and_photos(config_and_photos, like)
    if like is None:
        found = load_variants(config, set_options)
    else:
        like = _existing(like, config)
        as_made = _as_made(like, config, set_options)
        if prints:
            click.echo(as_made.text)
            return
        found = as_made.found
        photos = photos or (() if sample else (find_photo(like, found),))
    chosen = _photos(found, photos, sample, say)
    require_usable_for_trial(found, chosen, styles, recipes)
    resolved = resolve_config(found.config)
    plan = _plan(found, resolved, chosen, (styles, recipes), limit, say)
    if not yes and not quiet and not as_json and _is_large(plan) and can_ask() and not click.confirm("Make them?"):
        click.echo("Nothing was made.")
        return
    raise click.exceptions.Exit(_make(found, resolved, plan, into, config.name, quiet=quiet, as_json=as_json))


def _require_fitting(like: Path | None, prints: bool, names: Sequence[str]) -> None:
    if prints and like is None:
        raise UsageError("--print is about a picture: name it with --like")
    if like is not None and names:
        raise UsageError("--like has the picture's own style and recipe: leave --style and --recipe out")


def _config_and_photos(named: Sequence[Path], like: Path | None) -> tuple[Path, tuple[Path, ...]]:
    """Return config and photos; of a picture that is made again, its own config if none is named."""
    has_config = bool(named) and (like is None or named[0].suffix.lower() in _CONFIG_SUFFIXES)
    photos = tuple(named[1:] if has_config else named)
    for photo in photos:
        if photo.is_dir():
            raise UsageError(f"{photo}: is a folder; name photos, or let --sample pick some from the input folder")
        if not photo.is_file():
            raise UsageError(f"{photo}: there is no such photo")
    if has_config:
        return named[0], photos
    if like is None:
        raise UsageError("name a CONFIG and a PHOTO: stylewatch try CONFIG PHOTO")
    if not like.is_file():
        raise UsageError(
            f"{like}: there is no such picture here; in an output folder it is found with CONFIG before it"
        )
    return find_config(like), photos


def _existing(like: Path, config: Path) -> Path:
    return like if like.is_file() else find_picture(str(like), load_variants(config).config.output.folder)


def _as_made(like: Path, config: Path, set_options: Sequence[str]) -> Like:
    found = config_like(like, config, set_options)
    for note in found.notes:
        click.echo(printable(f"{like.name}: {note}"), err=True)
    return found


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        echo(text)


def _photos(
    found: ConfigWithVariants, photos: Sequence[Path], sample: int | None, say: Callable[[str], None]
) -> list[Path]:
    if (sample is None) == (not photos):
        raise UsageError("name one PHOTO or several, or let --sample N pick some from the input folder")
    if sample is None:
        return list(photos)
    picked = sample_photos(ingest_settings(found.config), sample, emit=say)
    say(f"Sample: {', '.join(printable(str(path.relative_to(found.config.input.folder))) for path in picked)}")
    return picked


def _plan(
    found: ConfigWithVariants,
    resolved: ResolvedConfig,
    paths: Sequence[Path],
    names: tuple[Sequence[str], Sequence[str]],
    limit: int,
    say: Callable[[str], None],
) -> TrialPlan:
    """Return the pictures to make, after saying how many and how long that takes. Raises UsageError for too many."""
    of_one = count_pictures(found, resolved, *names)
    photos = read_photos(paths)
    count = of_one * len(photos)
    pictures = f"{counted(count, 'picture')} ({counted(len(photos), 'photo')} × {of_one})"
    if count > limit:
        raise UsageError(
            f"that would be {pictures}, more than {limit}: choose fewer photos, values or styles (--style), or raise "
            f"--limit"
        )
    made = plan_pictures(found, resolved, photos, *names)
    is_plain = len(photos) == 1 and not any(picture.values for picture in made)
    plan = plan_trial(photos, made, _speed(found.config.engine_settings(), say, measure=not is_plain))
    if not is_plain:
        time = "" if plan.seconds is None else f", {approximate_duration(plan.seconds)}"
        say(f"{pictures}{time}, the cheapest first")
    return plan


def _speed(engine: EngineSettings, say: Callable[[str], None], *, measure: bool) -> Speed | None:
    return load_or_measure_speed(engine, say) if measure else read_speed(engine)


def _is_large(plan: TrialPlan) -> bool:
    return len(plan.pictures) > _LARGE_PICTURES or (plan.seconds or 0.0) > _LARGE_SECONDS


def _make(
    found: ConfigWithVariants,
    resolved: ResolvedConfig,
    plan: TrialPlan,
    into: Path | None,
    config_name: str,
    *,
    quiet: bool,
    as_json: bool,
) -> int:
    """Make the pictures, and return the exit code."""
    settings = found.config
    trial = Trial.begin(settings.output.folder, plan.photos, into, config_name)
    _write_first_page(found, plan, trial, config_name)
    display = Display(quiet=quiet, json_lines=as_json)
    executor = LocalExecutor(settings.engine_settings())
    with contextlib.closing(executor), stop_on_signal(executor.stop) as signals, display:
        result = run_trial(
            trial,
            plan,
            pass_settings(settings),
            resolved,
            executor,
            display,
            warn=partial(click.echo, err=True),
        )
    if not quiet and not as_json:
        _print_result(trial, result, settings.output.folder)
    if signals:
        return INTERRUPTED
    if result.failures:
        failed = f"{len(result.failures)} of {counted(len(plan.pictures), 'picture')} failed"
        raise PhotoError(f"{failed}: {result.failures[0]}")
    return 0


def _print_result(trial: Trial, result: TrialResult, output_folder: Path) -> None:
    if result.pictures:
        click.echo(printable(f"{counted(len(result.pictures), 'picture')} in {trial.folder}"))
    else:
        click.echo("No picture was made.")
    for sheet in result.sheets:
        click.echo(printable(f"Contact sheet: {sheet}"))
    if result.sheets and trial.is_below(output_folder) and (page := page_of(output_folder)) is not None:
        click.echo(printable(f"Gallery: {page}"))


def _write_first_page(found: ConfigWithVariants, plan: TrialPlan, trial: Trial, config_name: str) -> None:
    """Make the gallery's page if there is none, so that the sheet can be watched; a failure is no harm."""
    settings = found.config
    if len(plan.pictures) > 1 and settings.gallery.enabled and trial.is_below(settings.output.folder):
        with contextlib.suppress(StylewatchError, OSError):
            write_first_page(gallery_settings(settings, config_name))
