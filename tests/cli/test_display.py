import errno
import io
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli.display import ROWS_SHOWN, Display, live_view, results_table
from pipeline.model import (
    EvaluationShare,
    Job,
    JobState,
    NetworkLoading,
    OriginalsStay,
    PhotoSetAside,
    PhotosSkipped,
    PreviewSaved,
    Remark,
    RunEvent,
    RunStarted,
    Standing,
    WatchNotice,
)
from pipeline.report.rows import Row
from pipeline.report.run_progress import RunProgress
from pipeline.report.summary import Summary
from tests.report.events import CAFE, LION, artwork, begun, failed, finished, over, progress, started
from tests.report.simulated_run import SMALL, forecast

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BRACKETS = Job("[bold]lion[/bold].jpg", "wave", "default")


def shown(*events: RunEvent, terminal: bool = False, quiet: bool = False, json_lines: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None, legacy_windows=False)
    with Display(quiet=quiet, json_lines=json_lines, console=console, clock=lambda: 0.0, now=lambda: NOON) as display:
        for event in events:
            display(event)
    return out.getvalue()


def drawn(renderable: object, width: int = 160) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(renderable)
    return out.getvalue()


def test_elsewhere_than_on_a_terminal_each_picture_is_a_line() -> None:
    text = shown(
        started(),
        begun(),
        progress(1),
        finished(),
        failed(),
        finished(LION, "t3", artwork=None),
        over(),
    )
    assert text.splitlines() == [
        "[1/3] zoo/lion.jpg × wave → zoo/lion.jpg--wave.jpg (12.3 s)",
        "[1/3] caf?.jpg × night (fine) failed and is given up: truncated",
        "[2/3] zoo/lion.jpg × wave → zoo/lion.jpg--wave.jpg (copied from an equal picture)",
        "2 pictures made, 1 picture failed in 41.0 s.",
    ]


def test_names_are_neither_markup_nor_control_codes() -> None:
    nasty = PhotoSetAside("[red]a\x1b[2J\nb.jpg", "quarantined", "[link=x]no[/link]")
    text = shown(nasty, finished(BRACKETS))
    assert text.splitlines() == [
        "[red]a\\x1b[2J\\nb.jpg is set aside: [link=x]no[/link]",
        "[bold]lion[/bold].jpg × wave → [bold]lion[/bold].jpg--wave.jpg (12.3 s)",
    ]


def test_a_run_says_what_it_makes_again_and_a_daemons_next_passes_do_not_repeat_it() -> None:
    again = {"again": 2, "reasons": {"recipe default changed": 2}}
    words = "1 new picture, 2 to be made again: recipe default changed (2)"
    assert shown(started(**again), started(**again)).splitlines() == [words]
    assert shown(started()) == shown(started(**again), quiet=True) == ""
    other = started(again=3, reasons={"recipe default changed": 2, "photo changed": 1})
    assert shown(started(**again), other).splitlines()[1:] == [
        "3 pictures to be made again: recipe default changed (2), photo changed (1)"
    ]
    reloaded = WatchNotice("reloaded", words)
    assert shown(reloaded, started(**again), started(**again)).count(words) == 1, "the notice said it"


def test_quiet_says_only_what_went_wrong() -> None:
    text = shown(
        started(),
        PhotoSetAside("half.jpg", "incomplete", "no end"),
        PhotoSetAside("page.jpg", "quarantined", "HTML"),
        finished(),
        failed(state=JobState.PENDING, reason="disk full"),
        over(),
        quiet=True,
    )
    assert text.splitlines() == [
        "page.jpg is set aside: HTML",
        "[1/3] caf?.jpg × night (fine) is waiting again: disk full",
        "2 pictures made, 1 picture failed in 41.0 s.",
    ]


def test_quiet_is_silent_when_all_is_well() -> None:
    assert shown(started(), begun(), finished(), over(failed=0), quiet=True, terminal=True) == ""


def test_an_end_that_was_planned_did_not_go_wrong() -> None:
    planned = over(failed=0, left=2, planned_end=True, reason="stopped at 06:00 as asked")
    assert shown(started(), planned, quiet=True) == ""
    assert shown(started(), planned).endswith("(stopped at 06:00 as asked).\n")


@pytest.mark.parametrize("json_lines", [False, True])
def test_previews_for_the_gallery_are_not_shown(json_lines: bool) -> None:
    assert shown(PreviewSaved("t1", Path("live/t1.webp")), json_lines=json_lines) == ""


def test_how_far_an_evaluation_is_is_for_the_screen_alone() -> None:
    events = (started(), begun(), progress(7), EvaluationShare("t1", 0.43))
    assert shown(*events, json_lines=True) == shown(*events[:-1], json_lines=True)
    assert shown(*events) == shown(*events[:-1])


def test_json_is_every_event_as_in_the_journal() -> None:
    lines = [json.loads(line) for line in shown(started(), progress(1), over(), json_lines=True).splitlines()]
    assert [line["event"] for line in lines] == ["run_started", "progress", "run_finished"]
    assert {(line["run"], line["time"]) for line in lines} == {("r1", "2026-03-01T12:00:00.000Z")}


def test_on_a_terminal_the_screen_is_live_and_problems_stay() -> None:
    text = shown(started(), begun(), progress(7), failed(), finished(), over(), terminal=True)
    assert "1 of 3, 1 failed" in text, "it is drawn below the problem"
    assert "caf?.jpg × night (fine) failed and is given up: truncated" in text
    assert "→ zoo/lion.jpg--wave.jpg (12.3 s)" not in text
    assert text.rstrip().endswith("2 pictures made, 1 picture failed in 41.0 s.")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, then back


def test_the_terminal_is_given_back_after_an_error() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, legacy_windows=False)

    def broken_run() -> None:
        with Display(console=console) as display:
            display(started())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_run()
    assert out.getvalue().count("\x1b[?25h") == 1


def board(*events: RunEvent) -> RunProgress:
    """Return the count of a run that began at 0 s, and whose other events came at 30 s."""
    run_progress = RunProgress()
    for event in events:
        run_progress.update(event, 0.0 if isinstance(event, RunStarted) else 30.0)
    return run_progress


def test_the_live_view_has_a_line_for_the_run_and_one_for_each_canvas() -> None:
    run_progress = board(
        started(jobs=40, recipes={"default": 40}),
        finished(),
        failed(LION),
        begun(BRACKETS, "a"),
        begun(CAFE, "b"),
        progress(24, 0, token="a"),
    )
    first, second, third = drawn(live_view(run_progress, 30.0), width=100).splitlines()
    assert "1 of 40, 1 failed, 2.0 a minute, about " in first
    assert first.rstrip().endswith(" left")
    shown = "[bold]lion[/bold].jpg × wave scale 1/2 24/50 content 0.25, style 0.5"
    assert " ".join(second.split()) == shown
    assert " ".join(third.split()) == r"caf\udce9.jpg × night (fine) starting"


def busy_progress(style: str = "wave") -> RunProgress:
    run_progress = board(started(jobs=123_456), finished())
    for number in range(3):
        job = Job(f"holidays/{'very ' * 20}long {number}.jpg", style, "fine")
        run_progress.update(begun(job, str(number)), 40.0)
        run_progress.update(progress(50, 1, token=str(number)), 50.0)
    return run_progress


def test_nothing_is_said_of_the_time_before_it_is_known() -> None:
    run_progress = board(started(jobs=40, recipes={"default": 40}), begun(), progress(2))
    assert drawn(live_view(run_progress, 30.0)).splitlines()[0].rstrip().endswith(" 0 of 40")


@pytest.mark.parametrize(
    ("width", "numbers"),
    [
        (40, "1 of 123,456, about 35 days left"),
        (60, "1 of 123,456, 1 failed, about 35 days left"),
        (100, "1 of 123,456, 1 failed, 1.0 a minute, about 35 days left"),
        (200, "1 of 123,456, 1 failed, 1.0 a minute, about 35 days left"),
    ],
)
def test_the_overall_line_has_as_much_as_fits_beside_its_bar(width: int, numbers: str) -> None:
    estimate = forecast({"default": SMALL})
    run_progress = board(started(jobs=123_456, recipes={"default": 123_456}, estimate=estimate), finished(), failed())
    (line,) = drawn(live_view(run_progress, 60.0), width=width).splitlines()
    assert line.strip("━╸╺ ") == numbers
    assert 6 <= line.index(numbers[0]) < len(line.rstrip()) <= width


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_on_any_terminal_each_picture_keeps_its_line_its_style_and_the_end_of_its_name(width: int) -> None:
    lines = drawn(live_view(busy_progress(), 3600.0), width=width).splitlines()
    assert len(lines) == 4
    assert lines[0].rstrip().endswith("left")
    for number, line in enumerate(lines[1:]):
        assert re.search(rf"holi.*….*g {number}\.jpg +× wave \(fine\) +scale 2/2  50/50", line), line
        assert ("style 0.5" in line) == (width >= 80)


def test_while_the_network_is_loaded_the_live_view_says_so() -> None:
    run_progress = board(started(), NetworkLoading())
    assert drawn(live_view(run_progress, 1.0)).splitlines()[1].strip() == "loading the network"
    run_progress.update(begun(), 31.0)
    assert "loading" not in drawn(live_view(run_progress, 1.0))


def test_a_try_shows_that_the_network_is_loaded_too_though_it_is_no_run() -> None:
    assert "loading the network" in shown(NetworkLoading(), Remark("", "hello"), terminal=True)
    assert shown(NetworkLoading(), Remark("", "hello"), terminal=True, quiet=True) == ""


def test_slow_runs_are_told_by_the_hour() -> None:
    run_progress = RunProgress()
    run_progress.update(started(jobs=2), 0.0)
    run_progress.update(finished(), 360.0)
    assert "1 of 2, 10.0 an hour, about 6 min 0 s left" in drawn(live_view(run_progress, 360.0))


def row(photo: str = "lion.jpg", style: str = "wave", **changes: object) -> Row:
    fields = {"recipe": "default", "output": "o.jpg", "state": "done", "seconds": 10.0}
    losses = {"first_style": 0.5, "last_style": 0.02, "first_content": 0.0, "last_content": 0.9}
    return Row(photo=photo, style=style, **{**fields, **losses, **changes})  # type: ignore[arg-type]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split("[│┃]", line)]


def test_few_jobs_have_a_row_each_in_the_table() -> None:
    nothing = {"seconds": None, "first_style": None, "last_content": None}
    rows = [
        row("[b]x.jpg"),
        row(recipe="fine", copied=True, **nothing),
        row(state="quarantined", **nothing),
    ]
    lines = drawn(results_table(rows)).splitlines()
    assert cells(lines[0]) == ["Photo", "Style", "Time", "Style loss", "Picture"]
    assert [cells(line) for line in lines[2:]] == [
        ["[b]x.jpg", "wave", "10.0 s", "0.5 → 0.02", "o.jpg"],
        ["lion.jpg", "wave (fine)", "copied", "", "o.jpg"],
        ["lion.jpg", "wave", "", "", "given up"],
    ]


def test_many_jobs_have_a_row_for_each_style() -> None:
    rows = [row(f"{n}.jpg", seconds=float(n)) for n in range(ROWS_SHOWN)]
    rows += [row("c.jpg", copied=True, seconds=None), row("x.jpg", "night", state="failed", seconds=None)]
    lines = drawn(results_table(rows)).splitlines()
    assert cells(lines[0]) == ["Style", "Recipe", "Made", "Copied", "Failed", "Time each", "Style loss"]
    assert [cells(line) for line in lines[2:]] == [
        ["night", "default", "0", "0", "1", "", ""],
        ["wave", "default", "20", "1", "0", "9.5 s", "0.5 → 0.02"],
    ]


def test_elsewhere_than_on_a_terminal_the_names_in_the_table_stay_whole(tmp_path: Path) -> None:
    out, summary = io.StringIO(), Summary(tmp_path, lambda: NOON)
    name = f"holidays/{'very ' * 40}long.jpg"
    display = Display(summary=summary, console=Console(file=out, width=60))
    for event in (finished(Job(name, "wave", "default")), over()):
        summary(event)
        display(event)
    (row,) = [line for line in out.getvalue().splitlines() if "│" in line and name in line]
    assert cells(row) == [name, "wave", "12.3 s", "1 → 0.125", f"{name}--wave.jpg"]


def test_on_a_narrow_terminal_the_table_has_names_instead_of_figures(tmp_path: Path) -> None:
    def table(width: int) -> list[list[str]]:
        out, summary = io.StringIO(), Summary(tmp_path, lambda: NOON)
        console = Console(file=out, force_terminal=True, width=width, color_system=None, legacy_windows=False)
        display = Display(summary=summary, console=console)
        for event in (finished(Job("blossoms/photo.jpg", "blossoms", "default")), over()):
            summary(event)
            display(event)
        return [cells(line) for line in out.getvalue().splitlines() if "│" in line]

    job, picture = ["blossoms/photo.jpg", "blossoms"], "blossoms/photo.jpg--blossoms.jpg"
    assert table(100) == [[*job, "12.3 s", "1 → 0.125", picture]]
    assert table(66) == [[*job, picture]]


def test_a_line_is_broken_between_words_on_a_terminal_only() -> None:
    def lines(terminal: bool) -> list[str]:
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=60, color_system=None, legacy_windows=False)
        Display(console=console)(PhotoSetAside("root1.jpg", "unpaired", "lies in no style's folder: night, wave"))
        return out.getvalue().splitlines()

    begins, ends = "root1.jpg gets no picture: it lies in no style's folder:", "night, wave"
    assert lines(terminal=True) == [begins, f"  {ends}"]
    assert lines(terminal=False) == [f"{begins} {ends}"]


def test_a_dumb_terminal_gets_lines_as_a_pipe_does(monkeypatch: pytest.MonkeyPatch) -> None:
    events = (started(), begun(), NetworkLoading(), progress(1), finished(), failed(), over())
    monkeypatch.setenv("TERM", "dumb")
    on_a_dumb_terminal = shown(*events, terminal=True)
    assert on_a_dumb_terminal == shown(*events)
    assert "\x1b" not in on_a_dumb_terminal


@pytest.fixture
def ending(tmp_path: Path) -> Callable[..., str]:
    def ending(*events: RunEvent, quiet: bool = False) -> str:
        out = io.StringIO()
        summary = Summary(tmp_path, lambda: NOON)
        display = Display(quiet=quiet, summary=summary, console=Console(file=out, width=200))
        for event in events:
            summary(event)
            display(event)
        return out.getvalue()

    return ending


def test_the_end_of_a_run_shows_the_table_and_where_the_report_is(ending: Callable[..., str], tmp_path: Path) -> None:
    lines = ending(started(), finished(artwork=artwork()), over(finished=1, failed=0)).splitlines()
    assert cells(lines[1])[:3] == ["Photo", "Style", "Time"]
    assert cells(lines[3])[:3] == ["zoo/lion.jpg", "wave", "12.3 s"]
    assert lines[-1] == f"1 picture made in 41.0 s; report: {tmp_path / '2026-03-01-120000'}"


def test_a_run_with_nothing_to_do_says_so(ending: Callable[..., str]) -> None:
    idle = over(finished=0, failed=0, standing=Standing(done=7))  # those that this run only recognized among them
    assert ending(started(jobs=7, done=0), idle).startswith("Nothing to do: all pictures exist already (7)")


def test_a_photo_set_aside_is_one_line_and_its_pictures_are_none(ending: Callable[..., str]) -> None:
    aside = PhotoSetAside(CAFE.photo, "quarantined", "truncated")
    broken = [aside, *(failed(token=token, photo_set_aside=True) for token in ("t2", "t3"))]
    lines = ending(started(), *broken, over(finished=0, failed=0, photos_set_aside=1)).splitlines()
    assert lines[0].endswith(" is set aside: truncated")
    assert lines[1].startswith("0 pictures made, 1 photo set aside in 41.0 s; report: ")
    assert ending(over(finished=0, failed=0, photos_set_aside=1), quiet=True) != ""


def test_a_report_that_can_not_be_written_is_told_even_when_quiet(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file in its place")
    summary, out = Summary(tmp_path / "reports"), io.StringIO()
    display = Display(quiet=True, summary=summary, console=Console(file=out, width=200))
    for event in (started(), finished(), over(finished=1, failed=0)):
        summary(event)
        display(event)
    assert out.getvalue() == f"the report can't be written: {tmp_path / 'reports'} (File exists); see log.reports\n"


def test_quiet_needs_no_table(ending: Callable[..., str]) -> None:
    assert "Photo" not in ending(started(), finished(), over(), quiet=True)


def test_a_terminal_without_the_right_characters_gets_question_marks() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    display = Display(console=Console(file=out, width=200))
    display(finished())
    assert raw.getvalue() == b"zoo/lion.jpg ? wave ? zoo/lion.jpg--wave.jpg (12.3 s)\n"


def test_problems_go_to_standard_error_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    Display(quiet=True, clock=time.monotonic)(failed())
    Display(clock=time.monotonic)(finished())
    captured = capsys.readouterr()
    assert "given up: truncated" in captured.err
    assert "(12.3 s)" in captured.out


def test_json_gets_the_systems_time() -> None:
    out = io.StringIO()
    Display(json_lines=True, console=Console(file=out))(started())
    assert json.loads(out.getvalue())["time"].endswith("Z")


def test_originals_that_stay_are_told_even_when_quiet() -> None:
    assert shown(OriginalsStay("/kept: full\x1b"), quiet=True) == "/kept: full\\x1b\n"


class Closing(io.StringIO):
    """A terminal that is closed after a while."""

    is_closed = False

    def write(self, text: str) -> int:
        if self.is_closed:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_terminal_that_is_closed_ends_the_showing_and_not_the_work(terminal: bool) -> None:
    out = Closing()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None, legacy_windows=False)
    with Display(console=console, clock=lambda: 0.0) as display:
        display(started())
        display(finished())
        out.is_closed = True
        display(finished())
        display(over())
        out.is_closed = False
        display(finished(CAFE))
    assert "caf" not in out.getvalue()


def test_a_new_config_and_a_refused_one_are_told_the_latter_even_to_the_quiet() -> None:
    notices = (WatchNotice("reloaded", "config reloaded: styles changed"), WatchNotice("refused", "it is not taken"))
    assert [line.split(" ", 2)[2] for line in shown(*notices).splitlines()] == [notice.text for notice in notices]
    assert [line.split(" ", 2)[2] for line in shown(*notices, quiet=True).splitlines()] == ["it is not taken"]


def test_remarks_on_the_run_and_warnings_are_shown_and_those_on_a_picture_are_for_the_log() -> None:
    remarks = (Remark("", "stopping"), Remark("t1", "stopped"), Remark("t1", "no room", warning=True))
    assert shown(*remarks).splitlines() == ["stopping", "no room"]
    assert shown(*remarks, quiet=True).splitlines() == ["no room"]
    assert [json.loads(line)["text"] for line in shown(*remarks, json_lines=True).splitlines()] == [
        "stopping",
        "stopped",
        "no room",
    ]


def test_skipped_photos_are_named_if_they_are_few_and_counted_at_the_end() -> None:
    reasons = {"a.gif": "suffix .gif", "b.gif": "suffix .gif"}
    told = (started(), PhotosSkipped.of(reasons), over(photos_skipped={"suffix .gif": 2}))
    lines = shown(*told).splitlines()
    assert lines[0] == "a.gif is skipped (suffix .gif); b.gif is skipped (suffix .gif)"
    assert lines[-1].endswith(" in 41.0 s; 2 photos skipped (suffix .gif: 2).")
    assert "is skipped" not in shown(*told, quiet=True)


def test_a_copy_of_many_photos_that_are_skipped_floods_no_screen() -> None:
    many = [PhotosSkipped.of({"a.gif": "suffix .gif"}) for _ in range(500)]
    assert len(shown(*many).splitlines()) == 20


def test_many_photos_without_a_picture_are_counted_after_the_first() -> None:
    many = [PhotoSetAside(f"{number}.jpg", "unpaired", "lies in no style's folder") for number in range(5000)]
    lines = shown(started(), *many, over(), quiet=True).splitlines()
    assert lines[0] == "0.jpg gets no picture: it lies in no style's folder"
    assert lines[20] == "... and 4,980 more photos without a picture; the report and the journal name all of them"
    assert len(lines) == 22
    assert len(shown(started(), *many, over(), json_lines=True).splitlines()) == 5002
