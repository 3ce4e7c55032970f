"""Checks passwords against a hash. Owns its form, and how failures are slowed down.

A check takes a tenth of a second and many megabytes, on purpose. So one runs at a time, and a password that was right
once is known again by a hash under a key that this process alone has.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from werkzeug.security import check_password_hash, generate_password_hash

from pipeline.errors import UsageError

#: So many failures in a row cost nothing; each further one doubles the wait.
_FREE_FAILURES: Final = 5
_LONGEST_WAIT_SECONDS: Final = 60.0
#: After so long without another failure a client begins anew.
_FORGET_SECONDS: Final = 900.0
_CLIENTS: Final = 1000
_SHORTEST: Final = 8


def hash_password(password: str) -> str:
    """Return the hash that a password is checked against. Raises UsageError for one that is too short."""
    if len(password) < _SHORTEST:
        raise UsageError(f"the password has {len(password)} characters; use {_SHORTEST} or more")
    return generate_password_hash(password)


def is_password_hash(text: str) -> bool:
    """Tell whether ``text`` is what :func:`hash_password` returns; computes it once."""
    try:
        check_password_hash(text, "")
    except (ValueError, OverflowError, MemoryError):
        return False
    return text.count("$") == 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right; ``wait_seconds`` above 0: it was not even looked at, for so long."""

    is_right: bool
    wait_seconds: float = 0.0


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0


class PasswordCheck:
    """Checks passwords of clients, which are known by their address. For any number of threads."""

    def __init__(self, password_hash: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hash = password_hash
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known = b""
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, password: str, client: str) -> Verdict:
        """Check a password that came from an address."""
        network = _network(client)
        # First of all: who has to wait learns nothing, not even from the comparison that costs nothing.
        if (wait := self._wait_seconds(network)) > 0:
            return Verdict(False, wait)
        digest = hmac.digest(self._key, password.encode("utf-8", "surrogatepass"), hashlib.sha256)
        if hmac.compare_digest(digest, self._known):
            return Verdict(True)
        with self._lock:  # one after the other: none gets in between a failure and its wait
            if (wait := self._wait_seconds(network)) > 0:
                return Verdict(False, wait)
            if check_password_hash(self._hash, password):
                self._known = digest
                self._failures.pop(network, None)
                return Verdict(True)
            self._record_failure(network)
            return Verdict(False)

    def _wait_seconds(self, network: str) -> float:
        failures = self._failures.get(network)
        if failures is None or failures.count < _FREE_FAILURES:
            return 0.0
        pause = min(_LONGEST_WAIT_SECONDS, 2.0 ** min(10, failures.count - _FREE_FAILURES))
        return max(0.0, failures.last + pause - self._clock())

    def _record_failure(self, network: str) -> None:
        now = self._clock()
        failures = self._failures.pop(network, None)
        if failures is None or now - failures.last > _FORGET_SECONDS:
            failures = _Failures()
        failures.count, failures.last = failures.count + 1, now
        self._failures[network] = failures
        while len(self._failures) > _CLIENTS:
            self._failures.popitem(last=False)


def _network(client: str) -> str:
    """Return what one client has for itself: of IPv6, which gives each a great many addresses, the first half."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else client
