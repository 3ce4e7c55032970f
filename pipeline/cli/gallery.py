"""``stylewatch gallery``: makes the gallery of a config again, opens or serves it. Owns its options and messages."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from pipeline.cli.options import config_argument
from pipeline.cli.serve import ServeOptions, serve_gallery, serve_options
from pipeline.config import Config, load_variants
from pipeline.config.settings import gallery_settings
from pipeline.errors import PaintingError, StylewatchError, WeightsError
from pipeline.report.formatting import counted, printable
from pipeline.report.gallery.folder import PAGE_NAME
from pipeline.runner.gallery.rebuild import Rebuild, Rebuilt
from pipeline.runner.gallery.updates import GalleryUpdates
from pipeline.runner.gallery.writer import page_of
from pipeline.runner.preparation import ResolvedConfig, require_state_and_output, resolve_config

#: So many of the files that no copy could be made of are named.
_NAMED: Final = 5


@click.command()
@config_argument
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@serve_options
def gallery(config: Path, opens: bool, serving: ServeOptions) -> None:
    """Make the web page of all pictures again, open it, or serve it.

    'run' and 'watch' write the page while they work: this is for pictures of older versions, and for what is missing.
    It is safe beside any other command. With --serve nothing is made again; without --allow nobody else can reach it.
    /healthz has the judgment of 'status' for monitors, /metrics the numbers for Prometheus.
    """
    settings = load_variants(config).config  # what it shows does not depend on values to compare
    if serving.serve:
        on_ready = _open_meanwhile if opens else lambda _address: None
        serve_gallery(settings, config, serving, lambda: _rebuild(settings, str(config)), on_ready)
        return
    rebuilt = _rebuild(settings, str(config))
    page = gallery_settings(settings, str(config)).previews.folder / PAGE_NAME
    _print(rebuilt, page)
    if opens:
        open_address(page.absolute().as_uri())


def update_gallery(settings: Config, config_name: str) -> None:
    """Bring the gallery up to date after pictures were deleted or are wanted again, if there is one."""
    if page_of(settings.output.folder) is not None:
        try:
            GalleryUpdates(gallery_settings(settings, config_name)).finish()
        except (OSError, StylewatchError) as error:
            click.echo(printable(f"the gallery can't be brought up to date: {error}"), err=True)


def _rebuild(settings: Config, config_name: str) -> Rebuilt:
    require_state_and_output(settings)
    shows = sys.stderr.isatty()

    def show(done: int, total: int) -> None:
        click.echo(f"\r{done:,} of {total:,} parts of the gallery", nl=done == total, err=True)

    rebuild = Rebuild(
        gallery_settings(settings, config_name), _resolved(settings), on_progress=show if shows else lambda *_: None
    )
    return rebuild.run()


def _resolved(settings: Config) -> ResolvedConfig | None:
    """Return what pictures are made with now; None if a painting is missing, which a run will say."""
    try:
        return resolve_config(settings)
    except (PaintingError, WeightsError):
        return None


def _print(rebuilt: Rebuilt, page: Path) -> None:
    for name, reason in rebuilt.failed[:_NAMED]:
        click.echo(printable(f"{name}: no small copy could be made: {reason}"), err=True)
    if left_out := len(rebuilt.failed[_NAMED:]):
        click.echo(f"... and {counted(left_out, 'more file')} without one", err=True)
    copies = f"{rebuilt.removed:,} unused small {'copy' if rebuilt.removed == 1 else 'copies'} removed"
    removed = f"; {copies}" if rebuilt.removed else ""
    click.echo(printable(f"{counted(rebuilt.pictures, 'picture')} in {page}{removed}"))


def open_address(address: str, opens: Callable[[str], bool] = webbrowser.open) -> None:
    """Open a page in the user's browser, or say that there is none. ``opens`` tells whether it has opened it."""
    try:
        is_open = opens(address)
    except (OSError, webbrowser.Error):
        is_open = False
    if not is_open:
        click.echo("stylewatch: no browser was found on this machine; open the page in one yourself", err=True)


def _open_meanwhile(address: str) -> None:
    """Open a page while the server answers: a browser in the terminal comes back only when it is left."""
    threading.Thread(target=open_address, args=(address,), daemon=True).start()
