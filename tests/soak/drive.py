"""``stylewatch`` as it is, but for its engine: ``python -m tests.soak.drive watch CONFIG``."""

from __future__ import annotations

from typing import Any

from pipeline.cli.commands import main
from pipeline.executors.local import LocalExecutor
from tests.soak.photos import painter

_make = LocalExecutor.__init__


def _make_without_a_network(executor: LocalExecutor, *settings: Any, **others: Any) -> None:
    _make(executor, *settings, **others | {"factory": painter})


if __name__ == "__main__":
    # The commands have no place to put another engine in, and a soak of anything but them would prove little.
    LocalExecutor.__init__ = _make_without_a_network  # type: ignore[method-assign]
    main()
