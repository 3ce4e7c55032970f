"""The real engine in a worker whose memory is limited at its first evaluation, once for a folder."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.engine.network.vgg import Network
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.evaluation import Evaluation, Targets, evaluate
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.images.decode import decode_painting
from pipeline.model import EngineSettings

# Enough for each new thread to be given something to do.
MANY_VALUES = 1 << 24


def memory_limited_engine(settings: EngineSettings) -> Stylizer:
    """Build an engine; the first one with this ``cache_folder`` dies as programs do that can't start a thread."""
    assert settings.cache_folder is not None
    mark = settings.cache_folder / "limited"

    def limited(
        network: Network,
        objective: Objective,
        pictures: Tensor,
        content: Targets,
        style: Targets,
        *,
        in_blocks: InBlocks | None = None,
        guides: Guides | None = None,
    ) -> Evaluation:
        if not mark.exists():
            mark.touch()
            _leave_no_room()
        return evaluate(network, objective, pictures, content, style, in_blocks=in_blocks, guides=guides)

    return Stylizer(
        settings, lambda painting, long_side: decode_painting(painting.path, long_side=long_side), evaluate=limited
    )


def _leave_no_room() -> None:
    import resource
    from pathlib import Path

    # More than there are already, on a machine with whatever number of cores, and no memory for anything but them.
    threads, values = torch.get_num_threads() + 64, torch.zeros(MANY_VALUES)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 4_000_000,) * 2)
    torch.set_num_threads(threads)
    values.add_(1)
