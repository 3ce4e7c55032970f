"""Keeps the engine and the program that calls it apart where torch has one setting for both.

In a worker's process the engine is alone. In a notebook gradients may be off, autocast on, or the default device
another one: none of that may change a picture, and what the engine sets is the caller's again after each step.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import torch

_DEVICES_WITH_AUTOCAST: Final = ("cpu", "cuda", "mps")
_EXACT: Final = "highest"


@contextlib.contextmanager
def isolated(*, tf32: bool) -> Iterator[None]:
    """Compute with torch's own defaults, and restore the caller's settings afterwards.

    ``tf32``: float32 products on a CUDA device, if there is one, may round to 10 bits meanwhile.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_PROCESS_SETTINGS.ours(tf32=tf32 and torch.cuda.is_available()))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in _DEVICES_WITH_AUTOCAST:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


class _ProcessSettings:
    """What torch has once for the whole process: ours while any thread computes, then the caller's again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._computing = 0
        self._restore: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def ours(self, *, tf32: bool) -> Iterator[None]:
        with self._lock:
            if not self._computing:
                self._restore = [
                    partial(torch.set_default_dtype, torch.get_default_dtype()),
                    *_take_precision(),
                ]
                torch.set_default_dtype(torch.float32)
            self._computing += 1
            if tf32:
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        try:
            yield
        finally:
            with self._lock:
                self._computing -= 1
                if not self._computing:
                    for restore in self._restore:
                        restore()


_PROCESS_SETTINGS: Final = _ProcessSettings()


def _take_precision() -> Iterator[Callable[[], None]]:
    """Let float32 products be exact; yield what brings the caller's precision back."""
    backends = torch.backends
    try:
        products, convolutions = torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32
    except RuntimeError:  # it was set by torch's newer names, which may not be mixed with these
        newer: Any = backends.cudnn
        for part in (backends.cuda.matmul, newer.conv, newer.rnn):
            yield partial(setattr, part, "fp32_precision", part.fp32_precision)
        return
    if products != _EXACT:
        torch.set_float32_matmul_precision(_EXACT)
    # Even if nothing changes now: another thread may compute with less precision before this one ends.
    yield partial(torch.set_float32_matmul_precision, products)
    yield partial(setattr, backends.cudnn, "allow_tf32", convolutions)
