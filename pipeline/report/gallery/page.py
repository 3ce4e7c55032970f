"""Makes the gallery's page and what it loads besides data. Owns the package's templates and assets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import Environment

#: What names the program as the page's author, and so the page as its own.
GENERATOR: Final = 'name="generator" content="stylewatch'

_TEMPLATE: Final = "index.html"


def page_files(title: str, program: str, package: Traversable | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of assets and page, which comes last. ``title``: the folder's name, of any bytes.

    ``package`` holds the folders ``templates`` and ``assets``.
    """
    package = package or resources.files(__package__)
    assets = _assets(package)
    yield from ((f"assets/{name}", data) for name, data in assets.items())
    template = package.joinpath("templates", _TEMPLATE).read_text("utf-8")
    page = _environment().from_string(template)
    text = page.render(title=title, program=program, revision=_revision(assets))
    yield _TEMPLATE, text.encode("utf-8", "replace")


def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined  # which takes longer to load than most commands run

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _assets(package: Traversable) -> dict[str, bytes]:
    folder = package.joinpath("assets")
    files = [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    return {file.name: file.read_bytes() for file in sorted(files, key=lambda file: file.name)}


def _revision(assets: Mapping[str, bytes]) -> str:
    """Return what changes when an asset does, so that no browser shows an old one."""
    digest = hashlib.sha256()
    for name, data in assets.items():
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()[:10]
