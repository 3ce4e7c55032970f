"""Runs the user's commands after a picture, after a run and on failure. Owns their processes; uses no shell.

It reads the same stream of events as the reports. Whatever a command does (fail, hang, print endlessly, not exist)
goes into the log and changes nothing else: no picture and no exit code.
"""

from pipeline.hooks.reader import Hooks

__all__ = ["Hooks"]
