"""``stylewatch demo``: puts sample photos into a folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def demo(folder: Path) -> None:
    """Put two public-domain sample photos into FOLDER."""
    from pipeline.images.samples import write_sample_photos

    written = write_sample_photos(folder)
    for path in written:
        click.echo(path)
    if not written:
        click.echo(f"the sample photos are in {folder} already")
