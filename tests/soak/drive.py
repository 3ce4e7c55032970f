"""``stylewatch`` as it is, but for its engine: ``python -m tests.soak.drive watch CONFIG``."""

from __future__ import annotations

from pipeline.cli.commands import main
from pipeline.executors.local import LocalExecutor
from tests.soak.photos import painter


def paint_without_a_network() -> None:
    """Give the local executor another engine, whoever makes one: its default is that of the whole program."""
    defaults = LocalExecutor.__init__.__kwdefaults__
    assert defaults is not None
    assert "factory" in defaults
    defaults["factory"] = painter


if __name__ == "__main__":
    paint_without_a_network()
    main()
