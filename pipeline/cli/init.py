"""``stylewatch init``: sets up a folder. Owns its questions, options and messages."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import click

from pipeline.cli.line_width import echo
from pipeline.cli.own_command import absolute_words, command_line, own_words, path_from_here
from pipeline.cli.questions import ask, can_ask
from pipeline.config.new_config import Use
from pipeline.errors import UsageError
from pipeline.report.formatting import counted, printable

if TYPE_CHECKING:
    from pipeline.runner.new_setup import NewSetup, SetupChoices

_CONFIG: Final = "stylewatch.yaml"
_PHOTOS, _OUTPUT = "input", "output"  # the config's own defaults
_RECORD: Final = ".stylewatch"
_USES: Final = """\
What is it for?
  drop     a folder for photos that are painted as soon as you drop them into it
  night    a folder whose photos are painted at night
  archive  an archive of photos, worked through in as many runs as you like"""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What was given by options or answered so far; None is still to be asked."""

    use: Use | None
    photos: Path | None
    paintings: tuple[Path, ...]
    with_samples: bool
    output: Path | None
    config: str | None

    def missing(self) -> Iterator[str]:
        """Yield the options that must be given where nobody can be asked."""
        yield from ["--use"] if self.use is None else []
        yield from ["--photos"] if self.photos is None else []
        yield from [] if self.paintings or self.with_samples else ["--painting or --sample-paintings"]
        yield from ["--output"] if self.output is None else []


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--use", type=click.Choice(get_args(Use)), help="A drop folder, runs at night, or an archive.")
@click.option("--photos", type=click.Path(path_type=Path), help="Folder of the photos; made if it is not there.")
@click.option(
    "--painting",
    "paintings",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A painting, or a folder of paintings; may be repeated.",
)
@click.option("--sample-paintings", is_flag=True, help="Use the program's own paintings.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the pictures.")
@click.option("--config", metavar="NAME", help=f"Name of the config in FOLDER (default: {_CONFIG}).")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: what is not given is as by default.")
def init(
    folder: Path,
    use: Use | None,
    photos: Path | None,
    paintings: tuple[Path, ...],
    sample_paintings: bool,
    output: Path | None,
    config: str | None,
    yes: bool,
) -> None:
    """Write a config for your own photos, and say what to type next.

    It goes into FOLDER, by default the current one, and is checked. Asks for what the options don't give. No file is
    overwritten, and nothing is written until all is known.
    """
    answers = _Answers(use, photos, paintings, sample_paintings, output, config)
    if yes:
        answers = _by_default(answers, folder)
    elif can_ask():
        answers = _ask(answers, folder)
    elif missing := list(answers.missing()):
        raise UsageError(f"without a terminal to ask in, also give {', '.join(missing)}; or --yes for the defaults")

    from pipeline.runner.new_setup import set_up

    choices = _choices(answers, folder)
    _print_setup(choices, set_up(choices))


def _by_default(answers: _Answers, folder: Path) -> _Answers:
    use = answers.use or "drop"
    if use == "archive" and answers.photos is None:
        raise UsageError("give --photos, too: an archive lies where it lies, there is no default for its folder")
    return replace(
        answers,
        use=use,
        photos=answers.photos or folder / _PHOTOS,
        with_samples=answers.with_samples or not answers.paintings,
        output=answers.output or _free_output(folder),
    )


def _ask(answers: _Answers, folder: Path) -> _Answers:
    from pipeline.runner.new_setup import require_output_folder, require_photos_folder

    use = answers.use or _ask_use()

    def photos_folder(text: str) -> Path:
        require_photos_folder(_absolute(_typed_path(text)), use)
        return _typed_path(text)

    def output_folder(text: str) -> Path:
        require_output_folder(_absolute(_typed_path(text)), _absolute(photos))
        return _typed_path(text)

    default = None if use == "archive" else str(folder / _PHOTOS)
    photos = answers.photos or ask("Folder of the photos", photos_folder, default)
    paintings = answers.paintings or (() if answers.with_samples else tuple(_ask_paintings()))
    output = answers.output or ask("Folder for the pictures", output_folder, str(_free_output(folder)))
    config = answers.config or ask("Name of the config", lambda text: _free_name(folder, text), _next_name(folder))
    return _Answers(use, photos, paintings, answers.with_samples or not paintings, output, config)


def _ask_use() -> Use:
    for line in _USES.splitlines():
        echo(line)
    answer: Use = click.prompt("Use", type=click.Choice(get_args(Use)), default="drop")
    return answer


def _ask_paintings() -> Iterator[Path]:
    question = "Painting, or folder of them (Enter: the program's own)"
    while path := ask(question, _painting, "", shown=False):
        yield path
        question = "One more painting or folder (Enter: no more)"


def _painting(text: str) -> Path | None:
    from pipeline.runner.new_setup import check_paintings

    if not text.strip():
        return None
    path = _typed_path(text)
    check_paintings([_absolute(path)])
    return path


def _typed_path(text: str) -> Path:
    """Return the path that was typed, or dropped onto the terminal, which quotes it."""
    text = text.strip()
    if text[:1] in ("'", '"') and text[-1:] == text[:1] and len(text) > 2:
        text = text[1:-1]
    elif os.name != "nt" and "\\ " in text and not _expanded(Path(text)).exists():
        text = text.replace("\\ ", " ")
    return Path(text)


def _free_output(folder: Path) -> Path:
    """Return a folder that holds no other config's record: two configs on the same two folders share all."""
    names = (_OUTPUT if number == 1 else f"{_OUTPUT}-{number}" for number in count(1))
    return next(folder / name for name in names if not (folder / name / _RECORD).exists())


def _next_name(folder: Path) -> str:
    names = (_CONFIG if number == 1 else f"stylewatch-{number}.yaml" for number in count(1))
    return next(name for name in names if not os.path.lexists(folder / name))


def _free_name(folder: Path, name: str) -> str:
    if Path(name).name != name or name in ("", ".", ".."):
        raise UsageError(f"--config: {name!r} is no name of a file; name the folder as FOLDER")
    if os.path.lexists(folder / name):
        raise UsageError(f"{folder / name} is there already and is not overwritten; give another name with --config")
    return name


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: there is no such user's folder; write the whole path") from error


def _absolute(path: Path) -> Path:
    path = _expanded(path)
    return path.resolve() if ".." in path.parts else path.absolute()


def _choices(answers: _Answers, folder: Path) -> SetupChoices:
    from pipeline.runner.new_setup import SetupChoices

    assert answers.use is not None
    assert answers.photos is not None
    assert answers.output is not None
    name = _free_name(_absolute(folder), answers.config or _CONFIG)
    config = _absolute(folder) / name
    run = [*absolute_words(own_words()), "run", "--quiet", "--until", "06:00", str(config)]
    return SetupChoices(
        use=answers.use,
        config=config,
        photos=_absolute(answers.photos),
        output=_absolute(answers.output),
        paintings=tuple(_absolute(path) for path in answers.paintings),
        with_samples=answers.with_samples,
        quoted_name=command_line(name),
        crontab_line=f"0 1 * * * {shlex.join(run)}".replace("%", "\\%"),  # cron reads % as the end of a line
    )


def _print_setup(choices: SetupChoices, setup: NewSetup) -> None:
    settings, output = setup.settings, setup.settings.output.folder
    styles = settings.styles
    config = path_from_here(choices.config)
    echo(f"{config} is written, and was checked:")
    photos = "made: put your photos into it" if setup.made_photos_folder else "is there"
    echo(f"  photos     {path_from_here(settings.input.folder)} ({photos})")
    names = ", ".join(style.name for style in styles[:5]) + (", ..." if len(styles) > 5 else "")
    echo(f"  paintings  {len(styles):,}, so {counted(len(styles), 'picture')} of each photo: {names}")
    is_there = "is there" if output.is_dir() else "will be made"
    echo(f"  pictures   {path_from_here(output)} ({is_there})")
    for path in setup.paintings_among_photos:
        click.echo(
            printable(f"{path} lies in the folder of the photos and is one of them: name it in input.ignore"),
            err=True,
        )
    click.echo("Next:")
    for words in _next_words(choices.use):
        click.echo(f"  {printable(command_line(*own_words(), *words, config))}")
    if choices.use == "night":
        echo("or, without a program that always runs, this line in crontab -e:")
        click.echo(f"  {printable(choices.crontab_line)}")


def _next_words(use: Use) -> tuple[tuple[str, ...], ...]:
    if use == "archive":
        return ("plan",), ("run", "--limit", "100")
    return (("watch",),)
