"""What README.md says can be done: its configs load, its commands and options exist, its test command is found."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from pipeline.cli.commands import stylewatch
from pipeline.config import load_variants
from tests.end_to_end.program import write_landscape, write_small_painting
from tests.fakes import write_painting

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

CONFIGS = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "styles:" in block]
PYTHON = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
SHELL = [line for block in re.findall(r"```(?:\w*)\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def uses() -> list[str]:
    """Return every ``stylewatch ...`` command line in README.md, from its name on."""
    found = [text for text in INLINE if text.startswith("stylewatch ")]
    for line in SHELL:
        found += [piece.strip().rpartition("/")[2] for piece in re.findall(r"\S*\bstylewatch [a-z-][^&|#]*", line)]
    return [text for text in found if text.startswith("stylewatch ")]


def options_of(command: click.Command) -> set[str]:
    context = click.Context(command, help_option_names=["-h", "--help"])
    return {name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)}


def test_there_is_something_to_look_at() -> None:
    assert len(CONFIGS) >= 3
    assert {"run", "try", "plan", "status", "demo"} <= {use.split()[1] for use in uses()}


@pytest.mark.parametrize("block", CONFIGS)
def test_every_config_in_the_readme_loads(tmp_path: Path, block: str) -> None:
    for style in yaml.safe_load(block)["styles"]:
        for painting in style.get("paintings") or [style["painting"]] if "regions" not in style else ():
            write_painting(tmp_path / painting)
    path = tmp_path / "stylewatch.yaml"
    path.write_text(block, encoding="utf-8")
    assert load_variants(path).config.styles


def test_the_example_in_python_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "coffee"):
        write_landscape(tmp_path / "input" / f"{name}.jpg")
    for painting in (ROOT / "configs" / "styles").glob("*.jpg"):
        write_small_painting(tmp_path / "configs" / "styles" / painting.name)
    (tmp_path / "input" / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "output").mkdir()
    monkeypatch.chdir(tmp_path)
    small, count = re.subn(r"size=256", "size=48, iterations=10, style_layers=['relu1_1']", PYTHON)
    assert count == 3
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(small, "README.md", "exec"), {"__name__": "__main__"})
    made = {path.name for path in (tmp_path / "output").iterdir()}
    assert made == {"cat.png", "mirrored.png", "cat--blossoms.jpg", "coffee--blossoms.jpg"}
    progress, error = out.getvalue().splitlines()
    assert re.fullmatch(r"48 10 \d+\.\d+", progress)
    assert "broken.jpg: the file is not a JPEG" in error


@pytest.mark.parametrize("use", sorted(set(uses())))
def test_every_command_in_the_readme_exists_with_its_options(use: str) -> None:
    _, name, *rest = shlex.split(use)
    if name.startswith("-"):
        assert name in options_of(stylewatch)
        return
    assert name in stylewatch.commands
    for word in rest:
        if word.startswith("-"):
            assert word.partition("=")[0] in options_of(stylewatch.commands[name])


@pytest.mark.parametrize(
    ("name", "row"), re.findall(r"^\| `stylewatch (\w+)[^`]*` \| (.*) \|$", README, re.MULTILINE) or [("", "")]
)
def test_the_table_of_commands_names_every_option_of_each(name: str, row: str) -> None:
    named = set(re.findall(r"(--[a-z-]+)", row))
    options = {option for option in options_of(stylewatch.commands[name]) if option.startswith("--")} - {"--help"}
    assert named == options


def test_every_command_is_in_the_readme() -> None:
    assert {use.split()[1] for use in uses()} >= set(stylewatch.commands)


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_first_command_shows_the_progress_of_its_long_download() -> None:
    first = README.partition("```bash\n")[2].partition("\n```")[0]
    assert "pip install" in first
    assert not {"-q", "--quiet"} & set(shlex.split(first))


def test_what_takes_gigabytes_is_said_and_how_to_do_without() -> None:
    text = " ".join(README.partition("## Try it")[2].partition("## Three uses")[0].split())
    assert "several gigabytes" in text
    assert "CUDA libraries" in text
    assert "take PyTorch's CPU build first" in text


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell")
def test_ci_runs_exactly_the_test_command_of_the_readme(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    readme = tmp_path / "README.md"
    environment = os.environ | {"BASH_ENV": ""}

    def ci() -> subprocess.CompletedProcess[str]:
        command = ["bash", str(tmp_path / ".ci" / "run")]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    # The command itself would run these very tests: its words stay, its doing becomes a no-op.
    (command,) = re.findall(r"<!-- test-command -->\n```\w*\n([^\n]+)\n```", README)
    harmless = f": {command.replace('&&', 'and')}"
    readme.write_text(README.replace(command, harmless), encoding="utf-8")
    ended = ci()
    assert (ended.returncode, ended.stdout) == (0, f"+ {harmless}\n")
    readme.write_text(README.replace(command, "exit 7"), encoding="utf-8")
    assert ci().returncode == 7
    for wrong in (README.replace("<!-- test-command -->", ""), README.replace(command, "one\ntwo")):
        readme.write_text(wrong, encoding="utf-8")
        assert "exactly one line" in ci().stderr


@pytest.mark.parametrize("document", ["README.md", "pipeline/README.md"])
def test_the_files_that_the_map_and_the_table_of_changes_name_are_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    text = text.partition("### Where does a change go?")[2].partition("## Credits")[0] or text
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py|(?:[a-z_]+/)+)`", text))
    assert len(named) >= 20
    package = ROOT / "pipeline"
    missing = {
        name
        for name in named
        if not (any(package.rglob(name)) or (ROOT / name).exists() or (package / name).exists())
    }
    assert missing == set()


def test_the_versions_and_files_that_the_compatibility_table_names_are_there() -> None:
    package = ROOT / "pipeline"
    text = (package / "COMPATIBILITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)`(?: fields)? in `([\w/]+\.py)`", text)
    assert len(named) >= 9
    for name, file in named:
        assert re.search(rf"^(class )?{name}\b", (package / file).read_text(encoding="utf-8"), re.MULTILINE), name
    files = re.findall(r"`([\w/.]+\.(?:py|json)|tests/[\w/.]+|tests\.[\w.]+)`", text)
    made_by_the_program = {
        "heartbeat.json",
        "instance.json",
        "pictures.json",
        "output.json",
        "mounts.json",
        "report.json",
        "report.txt",
        "runs.json",
    }
    for file in set(files) - made_by_the_program:
        assert (package / file).exists() or (ROOT / file).exists(), file
