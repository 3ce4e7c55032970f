"""Names that mean harm, files that want to be run, and who may read what."""

from __future__ import annotations

import ast
import os
import pickle
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline
from pipeline.config import load_config
from pipeline.engine.network.weights import load_weights
from pipeline.errors import StylewatchError
from pipeline.model import RunEvent, WeightsChoice
from pipeline.report.log import LogWriter, close_log, configure_log
from pipeline.runner.execution.single_pass import SinglePass
from tests.workshop import Workshop

NAMES = [
    "line\nbreak.png",
    "\x1b[2J\x1b]0;owned\x07.png",
    "\u202egnp.exe.png",
    "$(touch owned).png",
    "`touch owned`; rm -rf out.png",
    "-rf.png",
    "a\\..\\..\\b.png",
    "C:evil.png",
    "CON.png",
    "{stem}{0.__class__}.png",
    "%s%n.png",
    "[red]markup[_red].png",
    "=cmd|'calc'!A1.png",
    "x" * 251 + ".png",
    "é" * 125 + ".png",
    "trailing. .png",
    os.fsdecode(b"\xff\xfe\x00".rstrip(b"\0") + b".png"),
]


def all_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_name_is_a_name_and_its_picture_stays_in_the_output_folder(workshop: Workshop, name: str) -> None:
    folder = os.fsdecode(b"sub \x1b[31m")
    try:
        workshop.photo(name)
        workshop.photo(f"{folder}/{name}", shade=1)
    except OSError:
        pytest.skip("this file system has no such names")
    workshop.config()
    before = all_files(workshop.folder)
    log = workshop.out / "stylewatch.log"
    configure_log(log)
    writer = LogWriter()

    def hear(_: SinglePass, event: RunEvent) -> None:
        writer(event)

    finished = workshop.run(on_event=hear)
    close_log()
    assert (finished.finished, finished.left) == (2, 0)
    pictures = [path for path in workshop.pictures() if path != log.name]
    assert len(pictures) == 2
    for path in pictures:
        assert not set(path) & set('\\:*?"<>|\x1b\n\x07')
        assert max(len(os.fsencode(part)) for part in path.split("/")) <= 255
    outside = {path for path in all_files(workshop.folder) - before if not path.startswith("out")}
    assert outside == set()
    lines = log.read_text(encoding="utf-8")
    assert all(line[:2] == "20" for line in lines.splitlines())
    assert lines.replace("\n", "").isprintable()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize(("mask", "picture"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_record_is_its_owners_and_pictures_are_for_whom_the_umask_says(
    workshop: Workshop, mask: int, picture: int
) -> None:
    before = os.umask(mask)
    try:
        workshop.photo("sub/a.png")
        workshop.run()
        workshop.photo("copy.png")
        workshop.run()
    finally:
        os.umask(before)

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(workshop.out / ".stylewatch") == 0o700
    assert mode(workshop.out / ".stylewatch" / "ledger.sqlite3") == 0o600
    assert {mode(workshop.out / name) for name in workshop.pictures()} == {picture}
    assert len(workshop.pictures()) == 2


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize("name", ["vgg.pth", "vgg.safetensors"])
def test_weights_are_read_without_pickles_powers(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(tmp_path / "owned"), protocol=2))
    with pytest.raises(StylewatchError, match="vgg"):
        load_weights(WeightsChoice(str(tmp_path / name)))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.mkdir [owned]", "!!python/name:os.system", "!!python/module:os"]
)
def test_a_config_runs_nothing(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(f"styles: {text}\n")
    with pytest.raises(StylewatchError):
        load_config(tmp_path / "config.yaml")
    assert not (tmp_path / "owned").exists()


_FORBIDDEN = {"eval", "exec", "compile", "__import__"}
_FORBIDDEN_IN = {
    ("pickle", "load"),
    ("pickle", "loads"),
    ("pickle", "Unpickler"),
    ("marshal", "loads"),
    ("os", "system"),
    ("os", "popen"),
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
    ("numpy", "load"),
    ("np", "load"),
}


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, tuple[str, ...]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node, (node.func.id,)
            elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                yield node, (node.func.value.id, node.func.attr)


def test_nothing_that_was_read_is_ever_run() -> None:
    sources = [path for folder in pipeline.__path__ for path in Path(folder).rglob("*.py")]
    assert len(sources) > 50
    for source in sources:
        for call, name in calls(ast.parse(source.read_text(encoding="utf-8"))):
            assert name[-1] not in _FORBIDDEN or len(name) > 1, (source, call.lineno)
            assert name not in _FORBIDDEN_IN, (source, call.lineno)
            keywords = {keyword.arg: keyword.value for keyword in call.keywords}
            if name == ("torch", "load"):
                assert ast.literal_eval(keywords["weights_only"]) is True, (source, call.lineno)
            shell = keywords.get("shell")
            assert shell is None or ast.literal_eval(shell) is False, (source, call.lineno)
