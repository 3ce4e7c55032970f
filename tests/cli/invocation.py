"""How tests invoke the program in this process, as the shell would, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.workshop import Workshop


@dataclass(frozen=True)
class Result:
    """How a command ended: exit code and both outputs."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Invoke = Callable[..., Result]


def config_of(workshop: Workshop) -> Path:
    workshop.config()
    return workshop.folder / "stylewatch.yaml"


def config_with_failures(workshop: Workshop) -> Path:
    """One picture done, one failed, one photo quarantined."""
    workshop.photo("a.png")
    workshop.photo("b.png", "diverges")
    (workshop.folder / "in" / "c.jpg").write_text("I am a letter, not a photo.")
    workshop.run()
    return config_of(workshop)
