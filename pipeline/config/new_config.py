"""Writes the text of a new config. Owns what each use needs in it, and its comments; writes no files.

A drop folder is watched, a night has hours, an archive has an order and pictures in trees of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pipeline.config.written_values import path_text, yaml_text

#: What the pictures are made for: photos dropped into a folder, runs at night, an archive in bulk.
Use = Literal["drop", "night", "archive"]

_RESERVES: Final[dict[Use, int]] = {"drop": 5, "night": 5, "archive": 20}  # gigabytes of disk that stay free

_FIRST: Final[dict[Use, str]] = {
    "drop": """\
# A folder that paints: whatever is dropped into it is painted at once, until you stop it with Ctrl-C.
#
#     stylewatch watch {config}
""",
    "night": """\
# A folder that paints at night: photos are recorded as they come, and painted in the hours of 'schedule'. What is not
# finished then is resumed the next night.
#
#     stylewatch watch {config}
#
# Or without a program that always runs, by cron, which the schedule does not concern (crontab -e):
#
#     {cron}
""",
    "archive": """\
# An archive in bulk: a run works until all is done, and whenever it is stopped, the next one goes on.
#
#     stylewatch plan {config}              how many pictures, and how long
#     stylewatch try {config} PHOTO         one photo in all styles, to find settings
#     stylewatch run --limit 100 {config}   a hundred pictures; without --limit all
""",
}

_INPUT: Final[dict[Use, str]] = {
    "drop": """\
  order: newest                     # what was dropped last is painted next
  settle_seconds: 3                 # phones and sync programs pause while they copy
""",
    "night": """\
  order: newest                     # the latest photos first
""",
    "archive": """\
  order: oldest                     # work forward through the years; or newest, name, random
  ignore: []                        # files and folders to leave alone, as in .gitignore: ["*.tmp", "_rejected/"]
""",
}

_NAME: Final = """\
  name: "{style}/{folder}/{stem}--{variant}"   # one tree for each style, with the archive's folders in it
"""

_PAIRING: Final[dict[Use, str]] = {
    "drop": """
pairing:
  by: all                           # each photo in every style; or folder: a photo in a folder named like a style
                                    # gets that style, others get no picture
""",
    "night": """
schedule:                           # when 'watch' makes pictures; a list of such windows is fine, too
  cron: "0 1 * * *"                 # it begins: minute, hour, day, month, weekday
  until: "06:00"                    # it ends; add timezone: Europe/Berlin if the machine runs on another time
""",
    "archive": """
# Every photo gets every style, unless a rule says something else. The first one that fits a photo decides:
#
# pairing:
#   rules:
#     - {match: "**/screenshots/**", styles: []}   # no pictures of these
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConfig:
    """What a config is to say. Paths are absolute; ``styles`` holds each style's painting by its name.

    ``quoted_name`` is the file's name as a shell takes it, ``crontab_line`` starts a run at night. ``free_bytes`` are
    those of the output's disk.
    """

    use: Use
    config: Path
    photos: Path
    output: Path
    styles: Mapping[str, Path]
    free_bytes: int
    quoted_name: str
    crontab_line: str


def config_text(new: NewConfig) -> str:
    """Return the text of the config, with comments. Raises UsageError for a path that no config can name."""
    folder = new.config.parent
    return "".join(
        (
            _FIRST[new.use].format(config=_in_comment(new.quoted_name), cron=_in_comment(new.crontab_line)),
            "#\n# Paths are relative to this file. README.md and configs/reference.yaml explain every setting;\n"
            "# 'stylewatch check' says whether all is in place.\n",
            f"\ninput:\n  folder: {yaml_text(path_text(new.photos, folder))}\n{_INPUT[new.use]}",
            f"\noutput:\n  folder: {yaml_text(path_text(new.output, folder))}\n",
            _NAME if new.use == "archive" else "",
            f"  min_free_disk: {_reserve(new.use, new.free_bytes)} GB".ljust(36)
            + "# stop when the disk has less space left, and resume once there is room\n",
            "\nstyles:                             # the name becomes part of the pictures' names\n",
            *(
                f"  - name: {yaml_text(name)}\n    painting: {yaml_text(path_text(painting, folder))}\n"
                for name, painting in new.styles.items()
            ),
            "\nrecipes:\n  default:\n"
            "    quality: balanced               # or draft, fine, print: README.md has their sizes and times\n"
            "    strength: 0.5                   # how much of the painting: 0.25 keeps a face, 1 is wild\n",
            _PAIRING[new.use],
        )
    )


def _reserve(use: Use, free_bytes: int) -> int:
    """Return how many gigabytes are to stay free: fewer on a disk where the first run would stop at once."""
    return _RESERVES[use] if free_bytes > 2 * _RESERVES[use] * 10**9 else 1


def _in_comment(text: str) -> str:
    """Return ``text`` on one line of printable characters: a line break in a name would end the comment."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
