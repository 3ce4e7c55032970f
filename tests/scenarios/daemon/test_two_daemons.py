"""Two daemons, each with a state folder of its own, that publish into one output folder at the same time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from tests.daemon.harness import CONFIG
from tests.scenarios.daemon.test_process import driven, read_until, wait_for
from tests.workshop import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")]

PHOTOS = 8


def shade_of(picture: Path) -> int:
    """Return which shade of a fine photo a picture was made of: the fake engine inverts colors."""
    with Image.open(picture) as image:
        return 255 - int(image.convert("RGB").getpixel((20, 20))[0]) - 40  # type: ignore[index]


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*--night*.png"))


def test_both_make_all_their_pictures_and_a_kill_of_one_costs_the_other_nothing(tmp_path: Path) -> None:
    text = CONFIG.replace("folder: out,", "folder: ../out, format: png,") + "state: {folder: state}\n"
    one, two = Workshop(tmp_path / "one", text), Workshop(tmp_path / "two", text)
    out = tmp_path / "out"
    with driven(two) as second:
        with driven(one) as first:
            for number in range(PHOTOS):
                one.photo(f"{number}.png", shade=0)
                two.photo(f"{number}.png", shade=8)
            read_until(first.stdout, "JobStarted")
        # It is killed by now, perhaps in the middle of a picture.
        with driven(one) as first:
            wait_for(lambda: len(pictures(out)) == 2 * PHOTOS)
            one.photo("last.png", shade=4)
            two.photo("last.png", shade=12)
            wait_for(lambda: len(pictures(out)) == 2 * PHOTOS + 2)
            for process in (first, second):
                process.terminate()
                assert process.wait(60) == 130
    assert sorted(map(shade_of, pictures(out))) == sorted([0, 8] * PHOTOS + [4, 12])
    assert not list(out.rglob("*.part"))
    for workshop in (one, two):
        with workshop.ledger() as ledger:
            assert ledger.leases.all() == []
            assert {name for name in os.listdir(out) if name.endswith(".png")} >= {
                row.output for row in ledger.queries.finished()
            }
