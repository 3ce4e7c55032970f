"""When things happen: looks at the folder, passes, pauses, the end. Refuses to know how, which is the runner's."""

from pipeline.daemon.loop import Daemon

__all__ = ["Daemon"]
