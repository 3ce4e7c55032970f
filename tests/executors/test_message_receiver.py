from __future__ import annotations

import multiprocessing

import pytest

from pipeline.executors.message_receiver import MessageReceiver
from pipeline.executors.protocol import Assign, End, Resume, Stop


def test_a_stop_is_received_while_nobody_asks_and_a_lost_parent_by_all_who_do() -> None:
    parent_end, child_end = multiprocessing.Pipe()
    stops: list[float] = []
    receiver = MessageReceiver(child_end, stops.append)
    for message in (Resume(), Stop(3.0), Assign(()), End()):
        parent_end.send(message)
    assert [receiver.next(), receiver.next(), receiver.next()] == [Resume(), Assign(()), End()]
    assert stops == [3.0]
    parent_end.close()
    for _ in range(2):
        with pytest.raises(EOFError):
            receiver.next()
