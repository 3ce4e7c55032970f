"""The worker's ears: what the parent says, heard at once. Owns the reading end of the pipe; refuses to answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from pipeline.executors.protocol import Assign, End, Resume, Stop

Message = Assign | Resume | End


class MessageReceiver:
    """Listens on a thread of its own: a Stop has to be heard while the engine works and nobody expects a message."""

    def __init__(self, connection: Connection, on_stop: Callable[[float], None]) -> None:
        """``on_stop`` is called with the grace seconds of a Stop, on that thread."""
        self._connection = connection
        self._on_stop = on_stop
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._receive, name="message-receiver", daemon=True).start()

    def next(self) -> Message:
        """Return the next message that is no Stop, waiting for it. Raises EOFError once the parent is gone."""
        message = self._messages.get()
        if message is None:
            self._messages.put(None)  # for whoever asks next
            raise EOFError
        return message

    def _receive(self) -> None:
        try:
            while True:
                message = self._connection.recv()
                if isinstance(message, Stop):
                    self._on_stop(message.grace_seconds)
                else:
                    self._messages.put(message)
        except (EOFError, OSError):
            self._messages.put(None)
