"""The program's front door: ``stylewatch`` and ``python -m pipeline``."""

from __future__ import annotations

from pipeline.cli.commands import main

if __name__ == "__main__":
    main()
