"""Which events call for which command, and what is filled into it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline.hooks.calls import HookCall, HookFolders, build_call
from pipeline.model import (
    HOOK_FIELDS,
    Job,
    JobState,
    OriginalMoved,
    PhotoSetAside,
    RunEvent,
    WatchNotice,
)
from tests.report.events import LION, begun, failed, finished, over, progress, started

FOLDERS = HookFolders(Path("/photos"), Path("/pictures"))


def test_a_picture_is_told_with_absolute_paths() -> None:
    assert FOLDERS.call_for(finished(), None) == (
        "after_picture",
        {
            "picture": str(Path("/pictures/zoo/lion.jpg--wave.jpg")),
            "photo": str(Path("/photos/zoo/lion.jpg")),
            "style": "wave",
            "recipe": "default",
            "seconds": "12.3",
            "output_folder": str(Path("/pictures")),
        },
    )


def test_a_copied_picture_took_no_time() -> None:
    call_for = FOLDERS.call_for(finished(artwork=None), None)
    assert call_for is not None
    assert call_for[1]["seconds"] == "0.0"


def test_a_run_is_told_with_its_report() -> None:
    name, fields = FOLDERS.call_for(over(left=4, reason="the disk is full"), Path("/pictures/reports/1")) or (
        "",
        {},
    )
    assert name == "after_run"
    assert fields == {
        "finished": "2",
        "copied": "0",
        "failed": "1",
        "photos_set_aside": "0",
        "left": "4",
        "seconds": "41.0",
        "reason": "the disk is full",
        "report": str(Path("/pictures/reports/1")),
        "output_folder": str(Path("/pictures")),
    }
    assert (FOLDERS.call_for(over(), None) or ("", {}))[1]["report"] == ""


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (failed(LION, state=JobState.FAILED), (str(Path("/photos/zoo/lion.jpg")), "wave", "failed", "truncated")),
        (failed(LION), (str(Path("/photos/zoo/lion.jpg")), "wave", "quarantined", "truncated")),
        (
            PhotoSetAside("a.jpg", "quarantined", "no image"),
            (str(Path("/photos/a.jpg")), "", "quarantined", "no image"),
        ),
        (WatchNotice("paused", "paused: no disk"), ("", "", "paused", "paused: no disk")),
        (WatchNotice("refused", "bad config"), ("", "", "refused", "bad config")),
    ],
)
def test_failures_are_told_with_who_is_to_blame(event: RunEvent, told: tuple[str, ...]) -> None:
    name, fields = FOLDERS.call_for(event, None) or ("", {})
    assert name == "on_failure"
    assert tuple(fields[name] for name in ("photo", "style", "state", "reason")) == told


@pytest.mark.parametrize(
    "event",
    [
        started(),
        begun(),
        progress(1),
        failed(state=JobState.PENDING),
        failed(state=JobState.WITHDRAWN),
        failed(photo_set_aside=True),
        PhotoSetAside("a.jpg", "incomplete", "half"),
        WatchNotice("stopped", "stopped"),
        OriginalMoved("a.jpg", "/done/a.jpg"),
    ],
)
def test_other_events_call_for_nothing(event: RunEvent) -> None:
    assert FOLDERS.call_for(event, None) is None


@pytest.mark.parametrize("event", [finished(), over(), failed()])
def test_what_is_told_are_the_fields_that_a_config_may_name(event: RunEvent) -> None:
    name, fields = FOLDERS.call_for(event, None) or ("after_run", {})
    assert tuple(fields) == HOOK_FIELDS[name]


def test_a_value_is_filled_in_once_and_stays_one_argument() -> None:
    job = dataclasses.replace(LION, photo="-rf {style} {{ $(x)\n.jpg")
    _, fields = FOLDERS.call_for(finished(job, output="{photo}--wave.jpg"), None) or ("after_picture", {})
    call = build_call("after_picture", ("tool", "{picture}", "is {style} of {photo}", "{{}}"), fields)
    assert call.arguments == (
        "tool",
        str(Path("/pictures/{photo}--wave.jpg")),
        f"is wave of {Path('/photos')}{Path('/')}-rf {{style}} {{{{ $(x)\n.jpg",
        "{}",
    )


def test_the_environment_has_the_same_values() -> None:
    call = build_call("on_failure", ("tool",), FOLDERS.failure_fields("why", "failed", "a.jpg"))
    assert call.environment == {
        "STYLEWATCH_HOOK": "on_failure",
        "STYLEWATCH_PHOTO": str(Path("/photos/a.jpg")),
        "STYLEWATCH_STYLE": "",
        "STYLEWATCH_RECIPE": "",
        "STYLEWATCH_STATE": "failed",
        "STYLEWATCH_REASON": "why",
        "STYLEWATCH_OUTPUT_FOLDER": str(Path("/pictures")),
    }


def test_bytes_of_a_name_that_are_no_text_stay_as_they_are() -> None:
    _, fields = FOLDERS.call_for(finished(Job("caf\udce9.jpg", "night", "default")), None) or ("after_picture", {})
    assert build_call("after_picture", ("tool", "{photo}"), fields).arguments[1].endswith("caf\udce9.jpg")


def test_a_call_is_named_by_its_hook_and_program() -> None:
    assert str(HookCall("after_run", ("curl", "-s"), {})) == "after_run: curl"
