"""``stylewatch`` as it is, but for its engine: ``python -m tests.soak.drive watch CONFIG``.

What the program needs is imported when it begins: its worker's process loads this file anew, and needs none of that.
"""

from __future__ import annotations

from typing import Any


def main() -> None:
    from pipeline.cli.commands import main as run
    from pipeline.executors.local import LocalExecutor
    from tests.soak.photos import painter

    make = LocalExecutor.__init__

    def make_without_a_network(executor: LocalExecutor, *settings: Any, **others: Any) -> None:
        make(executor, *settings, **others | {"factory": painter})

    # The commands have no place to put another engine in, and a soak of anything but them would prove little.
    LocalExecutor.__init__ = make_without_a_network  # type: ignore[method-assign]
    run()


if __name__ == "__main__":
    main()
