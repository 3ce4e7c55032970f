"""What the worker's process does for itself, in real child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from pipeline.errors import CannotRunError
from pipeline.executors.child import WorkerOptions, short_spins
from pipeline.executors.local import LocalExecutor
from pipeline.model import EngineSettings
from tests.executors.test_local import Source
from tests.fakes import fake_engine, write_photo
from tests.worker.test_worker import an_assignment


def test_a_torch_that_can_not_be_loaded_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torch.py").write_text('raise ImportError("libtorch_cpu.so: failed to map segment")')
    monkeypatch.syspath_prepend(tmp_path)  # the worker's process gets it, too
    executor = LocalExecutor(EngineSettings())
    with pytest.raises(CannotRunError, match=r"PyTorch can't be loaded \(libtorch_cpu\.so: failed"):
        list(executor.run(Source()))
    executor.close()
    assert "Traceback" not in capfd.readouterr().err


def test_the_worker_holds_its_lock_as_long_as_it_lives(tmp_path: Path) -> None:
    lock_file = tmp_path / "worker.lock"
    executor = LocalExecutor(EngineSettings(), factory=fake_engine, worker_options=WorkerOptions(lock_file=lock_file))
    list(executor.run(Source(an_assignment(write_photo(tmp_path / "a.png")))))
    with pytest.raises(Timeout), FileLock(lock_file, timeout=0):
        pass
    executor.close()
    with FileLock(lock_file, timeout=5):
        pass


PARENT = """
import sys
from pathlib import Path
from pipeline.executors.child import WorkerOptions, short_spins
from pipeline.executors.local import LocalExecutor
from pipeline.model import EngineSettings, Started
from tests.executors.test_local import Source
from tests.fakes import fake_engine
from tests.worker.test_worker import an_assignment

folder = Path(sys.argv[1])
options = WorkerOptions(lock_file=folder / "worker.lock")
executor = LocalExecutor(EngineSettings(), factory=fake_engine, worker_options=options)
for event in executor.run(Source(an_assignment(folder / "a.png"))):
    if isinstance(event, Started):
        print("started", flush=True)
"""


@pytest.mark.slow
def test_a_worker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", "takes for ever")
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        with pytest.raises(Timeout), FileLock(tmp_path / "worker.lock", timeout=0):
            pass
        parent.kill()
    with FileLock(tmp_path / "worker.lock", timeout=30):
        pass


@pytest.mark.parametrize("before", [None, "7"])
def test_while_torch_is_loaded_its_threads_are_told_to_spin_shortly_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if before is not None:
        monkeypatch.setenv("GOMP_SPINCOUNT", before)
    with short_spins():
        assert os.environ["GOMP_SPINCOUNT"] == (before or "1000")
    assert os.environ.get("GOMP_SPINCOUNT") == before
