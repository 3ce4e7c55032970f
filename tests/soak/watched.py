"""The daemon's process: started, stopped, killed, told to reload, and asked whether it has done all it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.cli.runtime import INTERRUPTED
from pipeline.config import load_config
from pipeline.runner.preparation import open_ledger, resolve_config
from tests.faults.painters import STYLES
from tests.soak.gauges import Sample, sample, worker_of
from tests.soak.truth import unmet

ROOT = Path(__file__).parents[2]

_PATIENCE_SECONDS = 180.0
_PROBE_SECONDS = 40.0
_LOADING_SECONDS = 10.0

_CONFIG = """
input: {{folder: in, settle_seconds: 0.3, rescan_seconds: 30}}
output: {{folder: out, min_free_disk: 0, format: png}}
styles: [{styles}]
recipes: {{default: {{size: 16, scales: 1, iterations: 1}}}}
state: {{retry_seconds: 1}}
hooks: {{after_picture: ["true", "{{picture}}"], after_run: [echo, "{{finished}}"], on_failure: ["false"]}}
"""


def _hear_ctrl_c() -> None:
    # A program that a shell puts into the background is told to ignore it, and tells its children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watched:
    """One folder and the daemon that watches it. ``styles`` are those of the config as it is written now."""

    def __init__(self, folder: Path, program: list[str]) -> None:
        self.config_file = folder / "stylewatch.yaml"
        self.styles: tuple[str, ...] = ("night",)
        self.settings: dict[str, str] = {}
        self.starts = 0
        self.faults: list[str] = []
        self.program = program
        self._errors = folder / "errors.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self.restyle(*self.styles)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def restyle(self, *styles: str) -> None:
        """Write another config in the place of the present one."""
        self.styles = styles
        listed = ", ".join(f"{{name: {name}, painting: {name}.jpg}}" for name in styles)
        fresh = self.config_file.with_name("fresh.yaml.part")
        fresh.write_text(_CONFIG.format(styles=listed), encoding="utf-8")
        fresh.replace(self.config_file)

    def other_styles(self) -> tuple[str, ...]:
        """Return all styles if there is one now, else the first."""
        return tuple(STYLES) if len(self.styles) == 1 else tuple(STYLES)[:1]

    def start(self) -> None:
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, "watch", "--quiet", str(self.config_file)],
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                preexec_fn=_hear_ctrl_c,
            )
        self._began = time.monotonic()
        self.starts += 1

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            code = self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.faults.append(f"it did not end at {number.name}")
            self._process.kill()
            code = self._process.wait()
        if code not in self._good_ends(number):
            self.faults.append(f"it ended at {number.name} with {code}: {self.last_words()}")

    def _good_ends(self, number: signal.Signals) -> tuple[int, ...]:
        if number is signal.SIGKILL:
            return (-number,)
        # While modules are still being loaded nobody listens to signals, and there is nothing to lose.
        is_young = time.monotonic() - self._began < _LOADING_SECONDS
        return (INTERRUPTED, -number) if is_young else (INTERRUPTED,)

    def kill_worker(self) -> None:
        if worker := worker_of(self.pid):
            os.kill(worker, signal.SIGKILL)

    def hang_up(self) -> None:
        """Tell it to read its config again."""
        os.kill(self.pid, signal.SIGHUP)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def last_words(self) -> str:
        return self._errors.read_text("utf-8", "replace")[-500:] if self._errors.exists() else ""

    def reads_its_config_again(self, photos: Callable[[], dict[str, int]]) -> bool:
        """Tell whether a new config takes effect without a restart; it is restarted if not."""
        self.restyle(*self.other_styles())
        self.hang_up()
        if not self.wait_until_right(photos(), _PROBE_SECONDS):
            return True
        if self.is_alive():
            self.end(signal.SIGTERM)
        else:
            assert self._process is not None
            self._process.wait()
        self.start()
        return False

    def wait_until_right(self, photos: dict[str, int], seconds: float = _PATIENCE_SECONDS) -> list[str]:
        """Wait until every picture is there; returns those that never came."""
        config = load_config(self.config_file)
        resolved = resolve_config(config)
        self.settings |= {style: hash_ for (style, _), hash_ in resolved.settings_sha256.items()}
        end = time.monotonic() + seconds
        with open_ledger(config) as ledger:
            while missing := unmet(resolved, ledger, photos):
                if time.monotonic() > end or not self.is_alive():
                    return missing
                time.sleep(0.1)
        return []

    def sample(self) -> Sample:
        """Read what it holds; it has come to rest a moment after the last picture."""
        time.sleep(0.5)
        return sample(self.pid, time.monotonic() - self._began)
