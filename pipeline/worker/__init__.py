"""Makes pictures next to the GPU: photo read once, hashed, decoded -> stylized -> encoded temporary file.

``worker`` feeds the engine; ``reading`` decodes ahead of it and ``writing`` encodes behind it, on threads with
bounded queues, so that the engine never waits for files. ``checkpoint_policy`` decides which checkpoints are saved. A
worker gets its assignments from outside: it does not open the ledger and publishes nothing.
"""

from pipeline.worker.stop_deadline import StopDeadline
from pipeline.worker.worker import Engine, Worker

__all__ = ["Engine", "StopDeadline", "Worker"]
