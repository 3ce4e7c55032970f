"""Describes how a process ended. Owns the names of signals; does not know what the process was for."""

from __future__ import annotations

import signal


def exit_in_words(code: int | None) -> str:
    """Return ``exit code 3`` or ``SIGSEGV`` for an exit code of multiprocessing or subprocess: -N for signal N."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # Python names only the first and the last real-time signal
        return f"signal {-code}"
