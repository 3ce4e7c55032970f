from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.folders import folder_in_memory

# Tests start hundreds of processes, and each would compile the whole program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Threads that spin while they wait for each other take cores from the tests beside them; read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

IN_MEMORY = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the tests' files into memory, unless somebody said where: the processes of -n get folders in it."""
    if config.option.basetemp is None and (folder := folder_in_memory()) is not None:
        config.option.basetemp = str(folder / "tests")  # which pytest makes, as it is to be
        config.stash[IN_MEMORY] = folder


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave the files of failed tests to be looked at, until the next run."""
    if exitstatus == pytest.ExitCode.OK and (folder := session.config.stash.get(IN_MEMORY, None)) is not None:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: last, one process would do it while the other has nothing left to do.

    Lines are measured where modules are tested one by one, and where a daemon is at work: slow tests and stories over
    several modules take up to twice as long when measured, and the lines are those that others reach.
    """
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow_files, "faults" not in item.path.parts))
    for item in items:
        is_story = "scenarios" in item.path.parts and "daemon" not in item.path.parts
        if is_story or item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what captured text holds of odd file names: a report that can't be sent ends the whole run."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Undo what a program that a test runs in this process does to the process's one logger."""
    yield
    from pipeline.report.log import LOGGER, close_log  # at the top it would be loaded before lines are measured

    close_log()
    LOGGER.propagate = True
    LOGGER.setLevel(logging.NOTSET)


@pytest.fixture(scope="session", autouse=True)
def _machine_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the program measures about this machine out of the user's own cache, once for all tests."""
    names = ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME") if os.name != "posix" else ("XDG_CACHE_HOME",)
    before = {name: os.environ.get(name) for name in names}
    folder: Path = tmp_path_factory.mktemp("machine")
    os.environ.update(dict.fromkeys(names, str(folder)))
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
