"""The program's entry point: ``stylewatch`` and ``python -m pipeline``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C while modules are still being loaded ends it as quietly as later."""
    try:
        from pipeline.cli.commands import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
