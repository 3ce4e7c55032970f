from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.cli.commands import main
from tests.cli.invocation import Invoke, Result
from tests.workshop import Workshop, know_the_machine


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run the program here, as the shell would."""

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["stylewatch", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        assert "Traceback" not in shown.out + shown.err
        return Result(code if isinstance(code, int) else 0, shown.out, shown.err)

    return run


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    know_the_machine()
    return Workshop(tmp_path)
