"""Keeps the values that were used last, for several threads. Owns when one is computed and which one is forgotten."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class LruCache(Generic[_Key, _Value]):
    """Keeps values of ``most`` in all, each counting ``size_of``; ``keeps``: whether a value is kept at all."""

    def __init__(
        self,
        most: int,
        *,
        size_of: Callable[[_Value], int] = lambda _value: 1,
        keeps: Callable[[_Value], bool] = lambda _value: True,
    ) -> None:
        self._most = most
        self._size_of = size_of
        self._keeps = keeps
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key, compute: Callable[[], _Value]) -> _Value:
        """Return the value of ``key``; if it is not kept, what ``compute`` returns, for which other threads wait."""
        with self._lock:
            value = self._values.pop(key) if key in self._values else compute()
            if self._keeps(value):
                self._values[key] = value
            while self._values and sum(map(self._size_of, self._values.values())) > self._most:
                self._values.popitem(last=False)
            return value
