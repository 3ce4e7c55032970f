"""How a process ended, in words. Owns the names of signals; refuses to know what the process was for."""

from __future__ import annotations

import signal


def exit_in_words(code: int | None) -> str:
    """Return ``exit code 3`` or ``SIGSEGV`` for what multiprocessing and subprocess tell: -N for signal N."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # Python has names for none of the real-time signals between the first and the last
        return f"signal {-code}"
