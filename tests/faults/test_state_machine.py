"""Random lives of a folder and its owner, with kills at every named moment: see tests.faults.world.

Some by the seed of the day, which a failure prints and ``STYLEWATCH_SEED=20261129 pytest
tests/faults/test_state_machine.py`` replays; thousands by ``python -m tests.faults.long --only lives``.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pipeline.failpoints import NAMES as FAILPOINTS
from tests.faults.chances import EXAMPLES, SEED, how_to_replay
from tests.faults.painters import CONTENTS, FINE
from tests.faults.truth import (
    check_deleted,
    check_end,
    check_ledger,
    check_no_photo_lost,
    check_originals,
    check_pictures,
)
from tests.faults.world import NAMES, PAPERS, Happening, World, memory_folder

# Measured line by line it takes twice as long, and what it reaches others reach, too.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.no_cover,
    # A failing life is made shorter for up to five minutes; a test that can't go on can't be caught, only ended.
    pytest.mark.timeout(600 + 3 * EXAMPLES, method="thread"),
]

names = st.sampled_from(NAMES)
contents = st.sampled_from(FINE) | st.sampled_from(CONTENTS)
numbers = st.integers(0, 7)

DROPS = st.tuples(st.just("drop"), names, contents, st.sampled_from(("in place", "renamed", "old", "future")))
IN_THE_FOLDER = st.one_of(
    DROPS,
    st.tuples(st.just("begin"), names, contents, st.sampled_from(("half", "zeros"))),
    st.tuples(st.just("finish"), names),
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("touch"), names),
)
ELSEWHERE = st.one_of(
    st.tuples(st.just("bring_back"), numbers),
    st.tuples(st.just("paper"), st.sampled_from(PAPERS)),
    st.tuples(st.just("edit"), numbers),
    st.tuples(st.just("discard"), numbers),
    st.just(("unmount",)),
    st.tuples(st.just("clock"), st.sampled_from((1.0, 700.0, -100_000.0))),
)
STYLES_IN_USE = ("night", "day", "night+day")
BETWEEN_PASSES = st.one_of(st.tuples(st.just("restyle"), st.sampled_from(STYLES_IN_USE)), st.just(("retry",)))
IN_A_PASS = [name for name in FAILPOINTS if not name.startswith(("withdrawn-", "reject"))]
IN_A_CLEANUP = (None, None, *(name for name in FAILPOINTS if name.startswith("withdrawn-")))
DURING_A_PASS = st.lists(IN_THE_FOLDER | DROPS | ELSEWHERE | st.just(("stop",)), max_size=4)


@seed(SEED)
class FolderLife(RuleBasedStateMachine):
    """The owner and the program take turns, and do not always wait for each other."""

    root: Path
    elsewhere: Path
    lives = 0

    @initialize(mode=st.sampled_from(("keep", "keep", "same", "same", "other")))
    def begin(self, mode: str) -> None:
        self.world = World(self.root, self.elsewhere, mode)

    @rule(drops=st.lists(DROPS, min_size=1, max_size=3))
    def photos_arrive(self, drops: list[Happening]) -> None:
        self.something_happens_in_the_folder(drops)

    @rule(drop=DROPS, happenings=DURING_A_PASS, at_once=st.integers(1, 3))
    def a_photo_arrives_and_is_painted(self, drop: Happening, happenings: list[Happening], at_once: int) -> None:
        self.world.happen(drop)
        self.a_pass(happenings, at_once)

    @rule(happenings=st.lists(IN_THE_FOLDER, min_size=1, max_size=3))
    def something_happens_in_the_folder(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            self.world.happen(happening)

    @rule(happening=ELSEWHERE | BETWEEN_PASSES)
    def something_happens(self, happening: Happening) -> None:
        self.world.happen(happening)

    @rule(happenings=DURING_A_PASS, at_once=st.integers(1, 3))
    def a_pass(self, happenings: list[Happening], at_once: int) -> None:
        self.world.run(happenings, at_once, lambda ledger: check_ledger(self.world, ledger))
        mounted = self.world.model.mounted
        check_pictures(self.world, killed=not mounted)
        self.world.happen(("mount",))
        # Without the disk nobody can end a move that a kill cut off.
        (check_originals if mounted else check_no_photo_lost)(self.world)

    @rule(
        drops=st.lists(DROPS, max_size=2),
        happenings=DURING_A_PASS,
        at_once=st.integers(1, 3),
        where=st.sampled_from(IN_A_PASS),
        passage=st.sampled_from((1, 1, 1, 2, 3)),
    )
    def a_killed_pass(
        self, drops: list[Happening], happenings: list[Happening], at_once: int, where: str, passage: int
    ) -> None:
        self.something_happens_in_the_folder(drops)
        self.world.run(happenings, at_once, lambda _: None, (where, passage))
        self.world.happen(("mount",))
        check_pictures(self.world, killed=True)
        check_no_photo_lost(self.world)

    @rule(styles=st.sampled_from(STYLES_IN_USE), where=st.sampled_from(IN_A_CLEANUP))
    def what_is_needed_no_more_is_deleted(self, styles: str, where: str | None) -> None:
        self.world.happen(("restyle", styles))
        before = self.world.contents()
        self.world.clean(where)
        check_deleted(self.world, before)
        self.world.happen(("mount",))
        check_pictures(self.world, killed=True)
        check_no_photo_lost(self.world)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.happen(("mount",))
        for name in NAMES:
            self.world.happen(("finish", name))
        for _ in range(4):  # a photo that can't be painted is given up after three attempts
            self.a_pass([], 2)
        with self.world.ledger() as ledger:
            check_end(self.world, ledger)
        FolderLife.lives += 1
        if FolderLife.lives % 100 == 0:
            print(f"{FolderLife.lives} lives so far", flush=True)


@pytest.fixture(scope="module", autouse=True)
def _folders() -> Iterator[None]:
    print(how_to_replay("tests/faults/test_state_machine.py"))
    FolderLife.root, FolderLife.elsewhere = memory_folder(), Path(tempfile.mkdtemp(prefix="stylewatch-"))
    yield
    print(f"{FolderLife.lives} lives")
    shutil.rmtree(FolderLife.root)
    shutil.rmtree(FolderLife.elsewhere)


FolderLife.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestFolderLife = FolderLife.TestCase
