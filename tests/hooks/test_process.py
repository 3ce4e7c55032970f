"""Real processes that end well, fail, hang, print without end, and leave children behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from pipeline.hooks.calls import HookCall
from pipeline.hooks.process import CompletedCall, Deadline, ReadOutput, execute, read_by_events, read_by_thread

TIMEOUT_SECONDS = 60.0

both = pytest.mark.parametrize("read_output", [read_by_events, read_by_thread])


def within(seconds: float) -> Deadline:
    end = time.monotonic() + seconds
    return lambda: end


def python(
    script: str, *arguments: str, read_output: ReadOutput | None = None, seconds: float = TIMEOUT_SECONDS
) -> CompletedCall:
    call = HookCall("after_picture", (sys.executable, "-c", script, *arguments), {"STYLEWATCH_PICTURE": "p"})
    return execute(call, within(seconds), read_output=read_output)


@both
def test_code_and_both_outputs_are_told(read_output: ReadOutput) -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True); sys.exit(7)"
    assert python(script, read_output=read_output) == CompletedCall(7, ["out", "err"])


def test_the_environment_is_the_parents_and_more() -> None:
    completed = python(
        "import os; print(os.environ['STYLEWATCH_PICTURE'], os.environ['PATH'] == os.sys.argv[1])", os.environ["PATH"]
    )
    assert completed == CompletedCall(0, ["p True"])


def test_there_is_nothing_to_read() -> None:
    assert python("print(repr(input()))").code == 1
    assert python("import sys; print(repr(sys.stdin.read()))") == CompletedCall(0, ["''"])


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX")
def test_arguments_of_any_bytes_arrive_as_they_are() -> None:
    names = ["a b", "$(reboot); `x` | & 'q\" {style}", "line\nbreak", "-rf", "*", "", os.fsdecode(b"\xff\xfe.jpg")]
    script = "import os, sys; print(os.fsencode('|'.join(sys.argv[1:])).hex())"
    assert python(script, *names) == CompletedCall(0, [os.fsencode("|".join(names)).hex()])


def test_a_program_that_is_not_there_or_an_impossible_argument_is_an_error() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        execute(HookCall("after_run", ("no-such-program",), {}), within(1))
    with pytest.raises(ValueError, match="null"):
        execute(HookCall("after_run", (sys.executable, "a\0b"), {}), within(1))


@both
def test_megabytes_are_read_to_their_end_and_not_kept(read_output: ReadOutput) -> None:
    completed = python(
        "import sys\nfor _ in range(100): sys.stdout.write('x' * 99_999 + '\\n')\nprint('end')",
        read_output=read_output,
    )
    assert completed.code == 0
    assert completed.output[-1] == "end"
    assert sum(map(len, completed.output)) < 9_000


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


#: Starts a child that sleeps and keeps the output open, tells its pid, and goes on with what comes behind.
WITH_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
@pytest.mark.parametrize("then", ["time.sleep(600)", ""])
def test_what_takes_too_long_is_ended_with_its_children(then: str) -> None:
    completed = python(WITH_A_CHILD + then, seconds=2.0)
    assert completed.code is None
    child = int(completed.output[0])
    end = time.monotonic() + TIMEOUT_SECONDS
    while is_alive(child):
        assert time.monotonic() < end, "the child lives on"
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_a_command_that_is_deaf_and_has_closed_its_output_is_ended_all_the_same() -> None:
    script = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.close(1); os.close(2)\n"
    script += "time.sleep(600)"
    assert python(script, seconds=2.0) == CompletedCall(None, [])


@pytest.mark.skipif(os.name == "nt", reason="sessions are POSIX")
@both
def test_a_child_that_escaped_is_not_waited_for(read_output: ReadOutput) -> None:
    script = WITH_A_CHILD.replace('time.sleep(600)"]', 'time.sleep(600)"], start_new_session=True')
    completed = python(script, read_output=read_output, seconds=2.0)
    os.kill(int(completed.output[0]), signal.SIGKILL)
    assert completed.code is None


def test_a_deadline_may_come_nearer_meanwhile() -> None:
    began = time.monotonic()

    def deadline() -> float:
        return began + (600 if time.monotonic() < began + 0.5 else 1)

    call = HookCall("after_run", (sys.executable, "-c", "import time; time.sleep(600)"), {})
    assert execute(call, deadline).code is None


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_deadly_signal_is_told() -> None:
    assert python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").code == -signal.SIGSEGV
