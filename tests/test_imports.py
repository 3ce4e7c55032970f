"""Commands without work to do never load torch, which takes seconds, and a finished folder is soon known to be so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

import pipeline
from pipeline.engine import ENGINE_VERSION
from pipeline.engine.speed import read_speed
from pipeline.hashing import sha256_of_bytes
from pipeline.intake.scan import scan
from pipeline.model import EngineSettings, Job
from pipeline.runner.preparation import resolve_config
from tests.workshop import Workshop, know_the_machine

ROOT = Path(__file__).parents[1]

#: Runs the program in this process and tells on the last line of stderr which heavy modules it loaded.
SPY = """
import json, sys
from pipeline.cli.commands import main
try:
    main()
finally:
    print(json.dumps([name for name in ("torch", "torchvision", "PIL") if name in sys.modules]), file=sys.stderr)
"""


def spy(*arguments: str | Path) -> tuple[int, str, list[str]]:
    """Return exit code, output, and the heavy modules that were loaded."""
    command = [sys.executable, "-c", SPY, *map(str, arguments)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, json.loads(ended.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the config of a folder where every picture is made."""
    workshop = Workshop(tmp_path_factory.mktemp("finished"))
    workshop.photo("a.png")
    workshop.run()
    return workshop.folder / "stylewatch.yaml"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["schema"]])
def test_commands_about_nothing_load_nothing_heavy(arguments: list[str]) -> None:
    code, out, heavy = spy(*arguments)
    assert (code, bool(out)) == (0, True)
    assert not {"torch", "torchvision"} & set(heavy)


@pytest.mark.parametrize("command", ["run", "plan", "status", "retry", "styles", "clean", "gallery"])
def test_commands_over_a_finished_folder_never_load_torch(finished: Path, command: str) -> None:
    code, _, heavy = spy(command, finished)
    assert code == 0
    assert not {"torch", "torchvision"} & set(heavy)


def test_setting_up_a_folder_never_loads_torch(tmp_path: Path) -> None:
    code, out, heavy = spy("init", "--yes", tmp_path)
    assert (code, "Next:" in out) == (0, True)
    assert not {"torch", "torchvision"} & set(heavy)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_daemon_over_a_finished_folder_never_loads_torch(finished: Path) -> None:
    command = [sys.executable, "-c", SPY, "watch", str(finished)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout is not None
        assert "watching" in process.stdout.readline()
        process.terminate()
        _, err = process.communicate()
    assert process.returncode == 130
    assert not {"torch", "torchvision"} & set(json.loads(err.splitlines()[-1]))


@pytest.fixture
def pending(tmp_path: Path) -> Path:
    """Return the config of a folder where a picture is to be made."""
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.config()
    return tmp_path / "stylewatch.yaml"


def test_a_plan_on_a_known_machine_never_loads_torch(pending: Path) -> None:
    know_the_machine()
    code, out, heavy = spy("plan", pending)
    assert (code, "as measured here" in out) == (0, True)
    assert not {"torch", "torchvision"} & set(heavy)


@pytest.mark.slow
def test_a_plan_measures_the_machine_without_loading_torch_itself(
    pending: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    code, out, heavy = spy("plan", pending)
    assert (code, "as measured here" in out) == (0, True)
    assert not {"torch", "torchvision"} & set(heavy)
    measured = read_speed(EngineSettings(machine_folder=platformdirs.user_cache_path("stylewatch")))
    assert measured is not None
    assert len(measured.measurements) >= 2
    assert measured.startup_seconds > 0.1
    assert list(pending.parent.rglob("*.safetensors")) == []  # the noise it measures with is no style


SERVER = ("werkzeug", "waitress", "prometheus_client")


def heavy_after(code: str) -> list[str]:
    """Return which heavy modules a program of these lines has loaded."""
    names = ("torch", "torchvision", "PIL", "numpy", "pydantic", "pipeline.api", *SERVER)
    code += f"\nimport sys\nprint(*[name for name in {names} if name in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()


def test_the_package_loads_nothing_until_a_name_is_asked_for_and_torch_only_with_a_network() -> None:
    assert heavy_after("import pipeline; dir(pipeline); pipeline.__version__") == []
    of_commands = heavy_after("import pipeline.cli.commands")
    assert not {"pipeline.api", *SERVER} & set(of_commands)
    loaded = heavy_after("from pipeline import Progress, StyleTransfer, StylewatchError, TransferSettings, stylize")
    assert "pipeline.api" in loaded
    assert not {"torch", "torchvision"} & set(loaded)


def test_the_package_knows_its_names_and_no_others() -> None:
    assert set(pipeline.__all__) <= set(dir(pipeline))
    assert [name for name in pipeline.__all__ if not hasattr(pipeline, name)] == []
    with pytest.raises(AttributeError, match="module 'pipeline' has no attribute 'stylise'"):
        pipeline.stylise  # noqa: B018


def test_the_spy_sees_torch_where_it_is_needed(finished: Path) -> None:
    _, _, heavy = spy("check", finished)
    assert {"torch", "PIL"} <= set(heavy)


def finish(workshop: Workshop, count: int) -> None:
    """Bring the ledger into the state it has after making ``count`` photos' pictures."""
    for number in range(count):
        path = workshop.folder / "in" / f"{number // 500}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"tiny")
    config = workshop.config()
    photos = scan(config.input.folder, ()).photos
    with workshop.ledger() as ledger:
        # Waiting for the disk at each commit is most of the time, and no test cuts the power.
        ledger._store.connection.execute("PRAGMA synchronous = OFF")
        ledger.photos.record(photos, photos, [])
        resolved = resolve_config(config)
        jobs = (Job(photo.path, "night", "default") for photo in photos)
        ledger.jobs.record(resolved.wanted_jobs(jobs, lambda _: "")[0], ".jpg")
        for claim in ledger.leases.claim(count, "name"):
            ledger.leases.complete(
                claim.token,
                key=claim.token,
                output=claim.output,
                picture_sha256=sha256_of_bytes(claim.token.encode()),
                engine_version=ENGINE_VERSION,
            )


@pytest.mark.slow
def test_a_second_run_over_10_000_finished_photos_does_nothing_and_says_so(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    finish(workshop, 10_000)
    code, out, heavy = spy("run", tmp_path / "stylewatch.yaml")
    assert code == 0
    assert out.startswith("Nothing to do: all pictures exist already (10,000).")
    assert "torch" not in heavy
    assert workshop.pictures() == [name for name in workshop.pictures() if not name.endswith(".jpg")]
