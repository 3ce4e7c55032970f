"""What runs next to the GPU: job -> bytes read once, hashed, decoded -> stylized -> encoded temporary file.

``painting`` feeds the engine; ``reading`` decodes ahead of it and ``writing`` encodes behind it, on threads with
bounded queues, so that the arithmetic never waits for files. ``keeping`` puts drafts where work can go on from them.
Refuses the ledger: a worker is told what to do, and publishes nothing.
"""

from pipeline.worker.stop_deadline import StopDeadline
from pipeline.worker.worker import Engine, Worker

__all__ = ["Engine", "StopDeadline", "Worker"]
