"""Receives the parent's messages in the worker. Owns the reading end of the pipe; does not answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from pipeline.executors.protocol import Assign, End, Resume, Stop, ToWorker

Message = Assign | Resume | End


class MessageReceiver:
    """Reads on a thread of its own: a Stop has to be handled while the engine works and nobody asks for messages."""

    def __init__(self, connection: Connection, on_stop: Callable[[float], None]) -> None:
        """``on_stop`` is called on that thread with the grace seconds of a Stop."""
        self._connection = connection
        self._on_stop = on_stop
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._receive, name="message-receiver", daemon=True).start()

    def next(self) -> Message:
        """Wait for the next message that is not a Stop and return it. Raises EOFError once the parent has died."""
        message = self._messages.get()
        if message is None:
            self._messages.put(None)  # for the next call
            raise EOFError
        return message

    def _receive(self) -> None:
        try:
            while True:
                message: ToWorker = self._connection.recv()
                if isinstance(message, Stop):
                    self._on_stop(message.grace_seconds)
                else:
                    self._messages.put(message)
        except (EOFError, OSError):
            self._messages.put(None)
