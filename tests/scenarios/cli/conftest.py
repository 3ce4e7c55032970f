"""The fixtures of tests/cli, for what happens there over a longer story."""

from tests.cli.conftest import invoke, workshop

__all__ = ["invoke", "workshop"]
