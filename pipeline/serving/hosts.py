"""Decides by which names a server may be called. Owns the defense against DNS rebinding.

A page from elsewhere can make a browser ask this server by a name of its own that leads to this machine, and then
read the answers; the name is in the request's ``Host`` header. An address of numbers leads nowhere else, so it may be
any.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9_.-]+)(?::[0-9]{1,5})?")
_ALWAYS: Final = ("localhost",)


class TrustedHosts:
    """The names that a ``Host`` header may have, besides addresses of numbers."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(map(_comparable, (*_ALWAYS, *names)))

    def trusts(self, header: str | None) -> bool:
        """Tell whether a request with this ``Host`` header (None = it has none) may be answered."""
        match = _HOST.fullmatch(header or "")
        if match is None:
            return False
        name = match[1]
        return _is_address(name.strip("[]")) or _comparable(name) in self._names


def _comparable(name: str) -> str:
    return name.rstrip(".").lower()


def is_host_name(name: str) -> bool:
    """Tell whether a ``Host`` header can have this name."""
    match = _HOST.fullmatch(name)
    return match is not None and match[1] == name


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
