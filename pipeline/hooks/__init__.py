"""The user's commands after a picture, after a run and on failure. Owns their processes; refuses shells.

One more reader of the stream of events. Whatever a command does (fail, hang, print without end, not exist) goes into
the log and changes nothing else: no picture, no exit code.
"""

from pipeline.hooks.reader import Hooks

__all__ = ["Hooks"]
