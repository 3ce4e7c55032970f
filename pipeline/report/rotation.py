"""Rotates a file that has grown into numbered backups. Owns their names and the order of the renames."""

from __future__ import annotations

from pathlib import Path


def rotate(path: Path, backups: int) -> None:
    """Rename ``path`` to ``path.1``, ``path.1`` to ``path.2`` and so on; the last ``backups`` stay. Raises OSError.

    The file itself is renamed first: Windows refuses that while another program has it open, and then no backup may
    have moved, or repeated tries would push out all of them.
    """
    step = path.with_name(f"{path.name}.0")
    if path.exists():
        path.replace(step)
    for number in reversed(range(1, backups)):
        backup = path.with_name(f"{path.name}.{number}")
        if backup.exists():
            backup.replace(path.with_name(f"{path.name}.{number + 1}"))
    if not backups:
        step.unlink(missing_ok=True)
    elif step.exists():
        step.replace(path.with_name(f"{path.name}.1"))
