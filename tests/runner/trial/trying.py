"""Tries in a workshop, made by the fake engine, for tests of all that tries leave behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.config import ConfigWithVariants, load_variants
from pipeline.config.settings import pass_settings
from pipeline.executors import Executor
from pipeline.model import RunEvent
from pipeline.runner.preparation import resolve_config
from pipeline.runner.trial.plan import TrialPlan, plan_pictures, plan_trial, read_photos
from pipeline.runner.trial.trial import Trial, TrialResult, run_trial
from pipeline.runner.trial.tryout import Tryout
from tests.workshop import InProcessExecutor, Workshop


def variants_of(workshop: Workshop) -> ConfigWithVariants:
    path = workshop.folder / "stylewatch.yaml"
    path.write_text(workshop.text, encoding="utf-8")
    return load_variants(path)


def plan_of(
    workshop: Workshop, paths: Sequence[Path], styles: Sequence[str] = (), recipes: Sequence[str] = ()
) -> TrialPlan:
    found = variants_of(workshop)
    photos = read_photos(paths)
    return plan_trial(photos, plan_pictures(found, resolve_config(found.config), photos, styles, recipes), None)


def tried(
    workshop: Workshop,
    paths: Sequence[Path],
    folder: Path,
    styles: Sequence[str] = (),
    recipes: Sequence[str] = (),
    *,
    executor: Executor | None = None,
    emit: Callable[[RunEvent], None] = lambda _: None,
) -> list[str]:
    """Make the pictures alone, without a contact sheet, and return their names."""
    config = variants_of(workshop).config
    tryout = Tryout(pass_settings(config), resolve_config(config), executor or InProcessExecutor(), emit)
    return [path.name for path in tryout.run(plan_of(workshop, paths, styles, recipes), folder)]


def tried_whole(
    workshop: Workshop,
    paths: Sequence[Path],
    into: Path | None = None,
    executor: Executor | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[Trial, TrialResult]:
    """Make a try as the command does, and return it with what it made."""
    config = variants_of(workshop).config
    plan = plan_of(workshop, paths)
    trial = Trial.begin(config.output.folder, plan.photos, into, "stylewatch.yaml", lambda: 1_750_000_000.0)
    result = run_trial(
        trial,
        plan,
        pass_settings(config),
        resolve_config(config),
        executor or InProcessExecutor(),
        lambda _: None,
        warn=warn,
    )
    return trial, result
