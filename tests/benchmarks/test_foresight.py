from __future__ import annotations

from pathlib import Path

from tests.benchmarks.foresight import ORDERS, Order, Outcome, outcomes_of
from tests.benchmarks.subjects import Subjects
from tests.fakes import write_painting, write_photo
from tests.workshop import SPEED, InProcessExecutor


def test_errors_are_shares_of_the_real_time() -> None:
    outcome = Outcome(ORDERS[0], foreseen=6.0, with_hindsight=3.0, real=4.0)
    assert (outcome.error, outcome.error_of_speed) == (0.5, 0.25)


def test_jobs_are_ten_and_mixed() -> None:
    assert len(ORDERS) == 10
    assert {order.settings["size"] for order in ORDERS} >= {96, 640}
    assert len({order.words for order in ORDERS}) == 10


def test_a_job_is_predicted_run_and_timed(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "green.png")
    paintings = (write_painting(tmp_path / "a.jpg"), write_painting(tmp_path / "b.jpg"))
    told: list[str] = []
    subjects = Subjects((photo,), paintings, tmp_path, told.append, True)
    control = [Order({"size": 64, "iterations": 4}, photos=2), Order({"size": 64, "scales": 1}, proportion=0.5)]
    ticks = iter(range(100))
    two, one = outcomes_of(subjects, tmp_path, control, SPEED, InProcessExecutor(), lambda: next(ticks))
    assert (two.real, one.real) == (1, 1)
    # The fake engine evaluates once where four times are foreseen.
    assert two.foreseen > two.with_hindsight > 0
    assert one.foreseen > one.with_hindsight > 0
    assert len(told) == 2
