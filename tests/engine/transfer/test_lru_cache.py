"""Values are computed once as long as they are kept, and those that were used last are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.engine.transfer.lru_cache import LruCache


def computed(cache: LruCache[str, str], keys: str) -> str:
    """Return which of these keys' values were computed when they were asked for one after another."""
    asked: list[str] = []

    def value_of(key: str) -> str:
        asked.append(key)
        return key

    for key in keys:
        assert cache.get(key, lambda key=key: value_of(key)) == key  # type: ignore[misc]
    return "".join(asked)


def test_the_least_recently_used_value_is_forgotten() -> None:
    assert computed(LruCache(2), "abacab") == "abcb"


def test_values_count_by_their_sizes_and_one_that_is_too_large_is_not_kept() -> None:
    cache: LruCache[str, str] = LruCache(3, size_of=lambda value: 4 if value == "d" else 1)
    assert computed(cache, "abcabc") == "abc"
    assert computed(cache, "dd") == "dd"


def test_a_value_that_is_not_to_be_kept_drives_none_out() -> None:
    cache: LruCache[str, str] = LruCache(1, keeps=lambda value: value != "b")
    assert computed(cache, "abba") == "abb"


def test_false_values_are_kept_too() -> None:
    cache: LruCache[str, int] = LruCache(1)
    assert cache.get("a", lambda: 0) == 0
    assert cache.get("a", lambda: 1) == 0


def test_what_fails_is_computed_again() -> None:
    cache: LruCache[str, float] = LruCache(1)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: 1.0) == 1.0


def test_several_threads_wait_for_one_value() -> None:
    cache: LruCache[str, int] = LruCache(1)
    begun, asked = threading.Barrier(4), []

    def compute() -> int:
        asked.append(1)
        return len(asked)

    def get(_number: int) -> int:
        begun.wait()
        return cache.get("a", compute)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(get, range(4))) == [1] * 4
