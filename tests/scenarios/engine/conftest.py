"""The fixtures of tests/engine, for what happens there over a longer story."""

from tests.threads import one_thread

__all__ = ["one_thread"]
