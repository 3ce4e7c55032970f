from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.cli.commands import main
from tests.cli.saying import Said, Say
from tests.workshop import Workshop, know_the_machine


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the program here, as the shell would."""

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["stylewatch", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        assert "Traceback" not in shown.out + shown.err
        return Said(code if isinstance(code, int) else 0, shown.out, shown.err)

    return run


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    know_the_machine()
    return Workshop(tmp_path)
