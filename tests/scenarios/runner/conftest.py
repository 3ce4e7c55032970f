"""The fixtures of tests/runner, for what happens there over a longer story."""

from tests.runner.conftest import workshop

__all__ = ["workshop"]
