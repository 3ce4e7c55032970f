"""Decides when things happen: scans, passes, pauses, the end. How they happen is the runner's."""

from pipeline.daemon.daemon import Daemon

__all__ = ["Daemon"]
