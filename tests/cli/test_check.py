"""``check``: what it finds, and with which exit code."""

from __future__ import annotations

from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


def test_check_names_all_that_is_wrong_and_takes_the_firsts_exit_code(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    (workshop.folder / "in").rmdir()
    (workshop.folder / "night.jpg").write_text("a letter")
    result = invoke("check", path)
    assert result.code == 3
    wrong = [line.split(":")[0] for line in result.lines if line.startswith("WRONG")]
    assert wrong == ["WRONG input", "WRONG painting of 'night'"]
    assert result.lines[0] == f"ok    config: {path}"
    assert result.lines[-1].startswith("ok    engine: embedded weights on ")


def test_check_of_a_sound_folder_is_all_ok(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("check", config_of(workshop))
    assert result.code == 0
    assert all(line.startswith("ok ") for line in result.lines)


def test_check_says_how_many_variants_try_would_make_and_that_run_refuses_them(
    invoke: Invoke, workshop: Workshop
) -> None:
    path = config_of(workshop)
    text = workshop.text.replace("scales: 1", "scales: 1, content_weight: [0.5, 1, 2], optimizer: [lbfgs, adam]")
    path.write_text(text, encoding="utf-8")
    result = invoke("check", path)
    assert result.code == 2
    [wrong] = [line for line in result.lines if line.startswith("WRONG")]
    assert wrong.startswith(f"WRONG variants: {path}:7: recipes.default.content_weight: lists 3 values to compare")
    assert wrong.endswith("these are 6 pictures of a photo")
    assert result.lines[-1].startswith("ok    engine")


def test_other_commands_refuse_variants_in_one_sentence(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    path.write_text(workshop.text.replace("scales: 1", "scales: 1, seed: [1, 2]"), encoding="utf-8")
    for command in ("run", "watch", "plan", "status"):
        result = invoke(command, path)
        assert (result.code, result.out) == (2, "")
        assert "stylewatch.yaml:7: recipes.default.seed: lists 2 values to compare: 'stylewatch try'" in result.err


def test_check_names_the_files_that_the_config_imports(invoke: Invoke, workshop: Workshop) -> None:
    path, imported = config_of(workshop), workshop.folder / "more.yaml"
    imported.write_text("fine: {size: 64}\nrough: {size: 32}\n")
    path.write_text(workshop.text.replace("recipes:", "recipes:\n  import: more.yaml"), encoding="utf-8")
    assert invoke("check", path).lines[1] == f"ok    recipes: fine, rough from {imported.resolve()}"
