"""What runs next to the GPU: job -> bytes read once, hashed, decoded -> stylized -> encoded temporary file.

``painting`` feeds the engine; ``reading`` decodes ahead of it and ``writing`` encodes behind it, on threads with
bounded queues, so that the arithmetic never waits for files. Refuses the ledger: a worker is told what to do, and
publishes nothing.
"""

from pipeline.worker.painting import Engine, Worker

__all__ = ["Engine", "Worker"]
