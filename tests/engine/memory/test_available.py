"""The narrowest limit on memory counts, whoever sets it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.engine.memory.available import available_bytes, lasting_bytes, machine_bytes

GIB = 2**30


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A system that has 8 GiB available."""
    write(tmp_path / "proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n")
    return tmp_path


def test_the_system_tells_what_is_available(system: Path) -> None:
    assert available_bytes(system) == 8 * GIB


def test_a_control_group_leaves_its_limit_less_what_is_used_and_can_not_be_dropped(system: Path) -> None:
    group = system / "sys/fs/cgroup/work/job"
    write(system / "proc/self/cgroup", "0::/work/job\n")
    write(group / "memory.max", f"{4 * GIB}\n")
    write(group / "memory.current", f"{3 * GIB}\n")
    write(group / "memory.stat", f"anon 5\ninactive_file {1 * GIB}\n")
    assert available_bytes(system) == 2 * GIB


def test_groups_around_a_group_count_too_and_no_limit_is_none(system: Path) -> None:
    groups = system / "sys/fs/cgroup"
    write(system / "proc/self/cgroup", "0::/work/job\n")
    write(groups / "work/job/memory.max", "max\n")
    write(groups / "work/job/memory.current", "1\n")
    write(groups / "work/memory.max", f"{3 * GIB}\n")
    write(groups / "work/memory.current", f"{2 * GIB}\n")
    assert available_bytes(system) == GIB


def test_the_first_version_of_control_groups_counts_and_its_huge_number_is_no_limit(system: Path) -> None:
    groups = system / "sys/fs/cgroup/memory"
    write(system / "proc/self/cgroup", "4:cpu,cpuacct:/\n7:memory:/docker/not-seen-from-inside\n")
    write(groups / "memory.limit_in_bytes", f"{9223372036854771712}\n")
    write(groups / "memory.usage_in_bytes", f"{GIB}\n")
    assert available_bytes(system) == 8 * GIB
    write(groups / "memory.limit_in_bytes", f"{2 * GIB}\n")
    assert available_bytes(system) == GIB


def test_a_group_over_its_limit_leaves_nothing(system: Path) -> None:
    write(system / "proc/self/cgroup", "0::/\n")
    write(system / "sys/fs/cgroup/memory.max", "1000\n")
    write(system / "sys/fs/cgroup/memory.current", "2000\n")
    assert available_bytes(system) == 0


def test_elsewhere_half_of_the_machine_counts(tmp_path: Path) -> None:
    found = available_bytes(tmp_path)
    assert found is None or found > GIB // 4


def test_linux_tells_what_it_has_available_if_that_is_nothing() -> None:
    found = available_bytes()
    assert found is None or found >= 0
    assert found is not None or not sys.platform.startswith("linux")


def test_the_machine_has_its_memory_and_its_swap_space(system: Path) -> None:
    assert machine_bytes(system) == 16 * GIB
    write(system / "proc/meminfo", "MemTotal: 16777216 kB\nSwapTotal: 4194304 kB\nMemAvailable: 1 kB\n")
    assert machine_bytes(system) == 20 * GIB


def test_a_control_group_has_what_it_is_allowed_however_much_is_used(system: Path) -> None:
    write(system / "proc/self/cgroup", "0::/a/b\n")
    group = system / "sys/fs/cgroup/a/b"
    write(group / "memory.max", f"{3 * GIB}\n")
    write(group / "memory.current", f"{2 * GIB}\n")
    assert machine_bytes(system) == 3 * GIB


def test_where_nobody_tells_the_machines_memory_counts(tmp_path: Path) -> None:
    found = machine_bytes(tmp_path)
    assert found is None or found > GIB // 2


def test_what_lasts_is_the_machines_memory_without_its_swap_space_whatever_else_runs(system: Path) -> None:
    assert lasting_bytes(system) == 16 * GIB
    write(system / "proc/meminfo", "MemTotal: 16677216 kB\nMemAvailable: 1 kB\nSwapTotal: 8388608 kB\n")
    assert lasting_bytes(system) == 15.75 * GIB  # in steps of a quarter


def test_what_lasts_is_no_more_than_a_control_group_allows_however_much_is_used(system: Path) -> None:
    write(system / "proc/self/cgroup", "0::/work\n")
    write(system / "sys/fs/cgroup/work/memory.max", f"{4 * GIB}\n")
    write(system / "sys/fs/cgroup/work/memory.current", f"{3 * GIB}\n")
    assert lasting_bytes(system) == 4 * GIB


def test_where_nobody_tells_what_lasts_is_the_machines_memory(tmp_path: Path) -> None:
    assert lasting_bytes(tmp_path) == machine_bytes(tmp_path)
