"""What no run could do is refused before the first photo, by every command that makes or plans pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pipeline.config.settings import folder_settings
from pipeline.runner.preparation import ledger_file
from tests.cli.invocation import Invoke, config_of
from tests.workshop import CONFIG, Workshop

COMMANDS = ("run", "watch", "plan", "try")


def arguments(workshop: Workshop, command: str) -> list[str | Path]:
    photo = workshop.photo("a.png")
    return [command, config_of(workshop), *([photo] if command == "try" else [])]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.jpg", b"a letter"),
        ("layers.psd", b"8BPS\0\1" + b"\0" * 60),
        ("half.jpg", b"\xff\xd8\xff\xe0\0\x10JF"),
    ],
)
def test_a_painting_that_can_not_be_read(
    invoke: Invoke, workshop: Workshop, command: str, name: str, content: bytes
) -> None:
    (workshop.folder / name).write_bytes(content)
    workshop.text = workshop.text.replace("night.jpg", name)
    result = invoke(*arguments(workshop, command))
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.startswith(f"stylewatch: the painting {workshop.folder / name} can't be used: ")
    assert workshop.pictures() in ([], ["stylewatch.log"]), "nothing was begun"
    assert not ledger_file(folder_settings(workshop.config())).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_size_that_no_machine_can_make(invoke: Invoke, workshop: Workshop, command: str) -> None:
    workshop.text = CONFIG.replace("{size: 48, scales: 1}", "{size: 65000}") + "engine: {device: cpu}\n"
    result = invoke(*arguments(workshop, command))
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.startswith("stylewatch: recipes.default.size: even a picture of 65000 × ")
    assert line.endswith(" or less")
    assert workshop.pictures() in ([], ["stylewatch.log"])


@pytest.mark.parametrize("command", ["run", "watch"])
def test_who_is_not_there_to_read_it_is_told_by_the_hook(invoke: Invoke, workshop: Workshop, command: str) -> None:
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    hook = [sys.executable, "-c", write, str(workshop.folder / "told"), "{state}: {reason}"]
    (workshop.folder / "night.jpg").write_text("a letter")
    workshop.text += f"hooks: {{on_failure: {json.dumps(hook)}}}\n"
    assert invoke(command, config_of(workshop)).code == 2
    assert (workshop.folder / "told").read_text().startswith("stopped: the painting ")
    assert invoke("status", config_of(workshop)).code == 0, "no sign of life is left behind"


def test_each_problem_has_its_line(invoke: Invoke, workshop: Workshop) -> None:
    (workshop.folder / "letter.jpg").write_text("a letter")
    (workshop.folder / "note.jpg").write_text("a note")
    workshop.text = workshop.text.replace("night.jpg}", "letter.jpg}\n  - {name: day, painting: note.jpg}")
    result = invoke("run", config_of(workshop))
    assert result.code == 2
    assert [line.partition(" can't")[0] for line in result.err.splitlines()] == [
        f"stylewatch: the painting {workshop.folder / 'letter.jpg'}",
        f"stylewatch: the painting {workshop.folder / 'note.jpg'}",
    ]


def test_a_run_looks_at_its_photos_before_it_refuses_a_size(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("{size: 48, scales: 1}", "{size: 20000}") + "engine: {device: cpu}\n"
    workshop.photo("a.png")
    path = config_of(workshop)
    if invoke("plan", path).code == 0:
        pytest.skip("this machine has the memory for that")
    result = invoke("run", path)
    assert result.code == 2
    assert "even a picture of 20000 × 13333 pixels" in result.err
    counts = json.loads(invoke("status", "--json", path).out)["counts"]
    assert (counts["pending"], counts["failed"], counts["quarantined"]) == (1, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_that_is_not_there(invoke: Invoke, workshop: Workshop, command: str) -> None:
    workshop.text += "engine: {device: 'cuda:99'}\n"
    result = invoke(*arguments(workshop, command))
    assert (result.code, result.out) == (3, "")
    assert [line for line in result.err.splitlines() if not line.startswith("Measuring")] == [
        "stylewatch: engine.device: this machine has no usable 'cuda:99'; use 'auto' or 'cpu'"
    ]
    if command == "run":
        with workshop.ledger() as ledger:
            (claim,) = ledger.leases.claim(1, "name")
        assert (claim.attempts, claim.consecutive_failures) == (0, 0)
        assert not (workshop.out / "reports").exists(), "nothing was begun"


@pytest.mark.slow
def test_a_run_with_nothing_to_do_needs_no_device(invoke: Invoke, workshop: Workshop) -> None:
    workshop.text += "engine: {device: 'cuda:99'}\n"
    assert invoke("run", config_of(workshop)).code == 0
