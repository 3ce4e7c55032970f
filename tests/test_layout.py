"""Where tests are: each module has the test file of its path, or a line here that says where it is tested."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Modules without a test file of their name, and where what they do is tested.
TESTED_ELSEWHERE = {
    "__main__.py": "cli/test_commands.py",
    "cli/options.py": "cli/test_commands.py",
    "daemon/clock.py": "daemon/test_scan_loop.py",
    "engine/events.py": "engine/scheduler/test_stylizer.py",
    "engine/cpu/tile_loops.py": "engine/cpu/test_fused.py",
    "engine/cpu/tile_sizes.py": "engine/cpu/test_fused.py",
    "engine/cpu/vector_code.py": "engine/cpu/test_fused.py",
    "engine/transfer/color_matches.py": "engine/transfer/test_first_pixels.py",
    "executors/protocol.py": "executors/test_message_receiver.py",
    "images/color/description.py": "images/color/test_containers.py",
    "cli/named.py": "cli/test_redo.py",
    "ledger/records.py": "ledger/test_leases.py",
    "model/estimate.py": "report/test_time_left.py",
    "model/hooks.py": "hooks/test_calls.py",
    "model/run.py": "report/test_journal.py",
    "model/settings.py": "config/test_settings.py",
    "runner/planning/tasks.py": "runner/planning/test_run_plan.py",
    "model/trial.py": "images/test_sheet_grid.py",
}

#: Test files about more than one module; those of a module lie at its path.
STORIES = ("benchmarks", "browser", "corpus", "end_to_end", "faults", "golden", "scenarios", "soak")

#: Test files about a room or the project as a whole, or about what the tests share.
OF_THE_WHOLE = {
    "config/test_bounds.py",
    "config/test_golden.py",
    "config/test_presets.py",
    "engine/scheduler/test_combinations.py",
    "engine/test_layers.py",
    "engine/transfer/content/test_registry.py",
    "engine/transfer/statistics/test_registry.py",
    "test_configs.py",
    "test_folders.py",
    "test_imports.py",
    "test_layout.py",
    "test_readme.py",
    "test_sample_paintings.py",
    "test_units.py",
}


def modules() -> list[str]:
    package = ROOT / "pipeline"
    return sorted(
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if path.name != "__init__.py"
    )


def own_test_file(module: str) -> str:
    path = Path(module)
    return path.with_name(f"test_{path.name}").as_posix()


def test_each_module_has_its_test_file_or_says_where_it_is_tested() -> None:
    tests = ROOT / "tests"
    untested = [
        module for module in modules() if not (tests / TESTED_ELSEWHERE.get(module, own_test_file(module))).exists()
    ]
    assert untested == []


def test_the_table_is_for_modules_that_are_there_and_have_no_test_file_of_their_own() -> None:
    tests = ROOT / "tests"
    known = set(modules())
    assert [name for name in TESTED_ELSEWHERE if name not in known or (tests / own_test_file(name)).exists()] == []


def test_each_test_file_has_its_module() -> None:
    tests = ROOT / "tests"
    files = {path.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")}
    of_modules = {own_test_file(module) for module in modules()}
    stray = [file for file in files - of_modules - OF_THE_WHOLE if not file.startswith(STORIES)]
    assert sorted(stray) == []
