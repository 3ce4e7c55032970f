"""The style cache gives back what was stored, or says why it can't."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from pipeline.engine.transfer.target_cache import DamagedEntryError, StyleCache, TargetKey, decoding_of

KEY = TargetKey(
    painting_sha256="ab" * 32,
    size=256,
    layers=("relu1_1",),
    weights_id="w",
    pooling="max",
    precision="cpu:float32",
)
ARRAYS = {"relu1_1.mean": np.arange(3, dtype=np.float32), "relu1_1.second": np.eye(3, dtype=np.float32)}


def cache(folder: Path, limit_bytes: int = 10**9) -> StyleCache:
    return StyleCache(folder, limit_bytes)


def file_of(folder: Path, key: TargetKey = KEY) -> Path:
    return folder / f"{key.digest()}.safetensors"


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    cache(tmp_path / "new").write(KEY, ARRAYS)
    found = cache(tmp_path / "new").read(KEY)
    assert found is not None
    assert found.keys() == ARRAYS.keys()
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)


def test_what_was_never_written_is_absent(tmp_path: Path) -> None:
    assert cache(tmp_path).read(KEY) is None
    assert cache(tmp_path / "nowhere").entries() == []


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, painting_sha256="cd" * 32),
        replace(KEY, size=255),
        replace(KEY, layers=("relu1_1", "relu2_1")),
        replace(KEY, weights_id="v"),
        replace(KEY, pooling="average"),
        replace(KEY, precision="cuda:bfloat16"),
        replace(KEY, padding="zero"),
        replace(KEY, resampling="area"),
        replace(KEY, version="0"),
        replace(KEY, statistic="quantiles"),
    ],
)
def test_every_part_of_the_key_counts(tmp_path: Path, other: TargetKey) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    assert cache(tmp_path).read(other) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterKey(TargetKey):
    """A key as a later version may have it."""

    years: str = "all"


LATER = LaterKey(**{name: getattr(KEY, name) for name in KEY.__dataclass_fields__})


def test_files_outlive_what_their_keys_get_later(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    found = cache(tmp_path).read(LATER)
    assert found is not None
    assert found.keys() == ARRAYS.keys()
    cache(tmp_path).write(LATER, ARRAYS)
    assert list(tmp_path.iterdir()) == [file_of(tmp_path)]
    assert cache(tmp_path).read(KEY) is not None


def test_what_is_new_has_a_file_of_its_own_that_older_versions_list(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    new = replace(LATER, years="late")
    assert cache(tmp_path).read(new) is None
    cache(tmp_path).write(new, {"relu1_1.roots": np.eye(3, dtype=np.float32)})
    assert cache(tmp_path).read(new) is not None
    assert [entry.size for entry in cache(tmp_path).entries()] == [256, 256]


def test_what_a_later_version_keeps_beside_is_no_damage(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS | {"relu1_1.third": np.zeros(2, dtype=np.float32)})
    found = cache(tmp_path).read(KEY)
    assert found is not None
    assert found.keys() > ARRAYS.keys()


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    file_of(tmp_path).write_bytes(file_of(tmp_path).read_bytes()[:-5])
    with pytest.raises(DamagedEntryError, match="is damaged"):
        cache(tmp_path).read(KEY)


def test_a_single_flipped_bit_is_damage(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    data = bytearray(file_of(tmp_path).read_bytes())
    data[-1] ^= 1
    file_of(tmp_path).write_bytes(data)
    with pytest.raises(DamagedEntryError):
        cache(tmp_path).read(KEY)


def test_another_targets_file_under_this_name_is_foreign(tmp_path: Path) -> None:
    other = replace(KEY, size=512)
    cache(tmp_path).write(other, ARRAYS)
    file_of(tmp_path, other).rename(file_of(tmp_path))
    with pytest.raises(DamagedEntryError, match="not written by this program"):
        cache(tmp_path).read(KEY)


def test_entries_tell_what_they_are_most_recently_used_first(tmp_path: Path) -> None:
    other = replace(KEY, size=512)
    for key in (KEY, other):
        cache(tmp_path).write(key, ARRAYS)
    os.utime(file_of(tmp_path), (1000, 1000))
    newest, oldest = cache(tmp_path).entries()
    assert (newest.size, oldest.size) == (512, 256)
    assert oldest.painting_sha256 == KEY.painting_sha256
    assert oldest.layers == ("relu1_1",)
    assert oldest.last_used == 1000
    assert oldest.bytes == file_of(tmp_path).stat().st_size


def test_reading_counts_as_use(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    os.utime(file_of(tmp_path), (1000, 1000))
    cache(tmp_path).read(KEY)
    assert cache(tmp_path).entries()[0].last_used > 1000


def test_damaged_and_foreign_entries_are_listed_without_a_painting(tmp_path: Path) -> None:
    (tmp_path / f"{'0' * 64}.safetensors").write_bytes(b"rubbish")
    safetensors.numpy.save_file({"x": np.zeros(1)}, tmp_path / f"{'1' * 64}.safetensors")
    assert [(entry.painting_sha256, entry.size) for entry in cache(tmp_path).entries()] == [("", 0), ("", 0)]


def test_files_of_others_are_neither_listed_nor_removed(tmp_path: Path) -> None:
    mine = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({"x": np.zeros(1)}, mine)
    assert cache(tmp_path).entries() == []
    assert cache(tmp_path).prune(0) == 0
    assert mine.exists()


def test_pruning_removes_the_least_recently_used(tmp_path: Path) -> None:
    keys = [replace(KEY, size=size) for size in (1, 2, 3)]
    for key in keys:
        cache(tmp_path).write(key, ARRAYS)
        os.utime(file_of(tmp_path, key), (key.size, key.size))
    cache(tmp_path).read(keys[0])
    size = file_of(tmp_path, keys[0]).stat().st_size
    assert cache(tmp_path).prune(2 * size) == size
    assert sorted(entry.size for entry in cache(tmp_path).entries()) == [1, 3]


def test_writing_keeps_the_cache_under_its_limit(tmp_path: Path) -> None:
    small = cache(tmp_path, limit_bytes=1)
    small.write(KEY, ARRAYS)
    assert small.entries() == []


def test_nothing_but_the_target_is_left_behind(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    assert list(tmp_path.iterdir()) == [file_of(tmp_path)]


def test_listing_never_imports_torch() -> None:
    code = "import sys, pipeline.engine.transfer.target_cache; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_targets_of_paintings_that_are_decoded_as_ever_are_still_found(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    found = [name for name in ("a.jpg", "A.JPEG", "a.webp") if cache(tmp_path).read(today(name)) is None]
    assert found == []


def test_targets_of_other_paintings_are_made_anew_by_the_decoders_of_today(tmp_path: Path) -> None:
    cache(tmp_path).write(KEY, ARRAYS)
    assert cache(tmp_path).read(today("scan.tif")) is None
    assert cache(tmp_path).read(today("hdr.PNG")) is None


def today(painting: str) -> TargetKey:
    return replace(KEY, decoding=decoding_of(Path(painting)))
