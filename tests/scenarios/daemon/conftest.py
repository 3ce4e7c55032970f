"""The fixtures of tests/daemon, for what happens there over a longer story."""

from tests.daemon.conftest import harness

__all__ = ["harness"]
