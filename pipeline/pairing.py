"""Photos × styles × rules → jobs. Owns which photo gets which styles, and why one gets none; does no I/O.

Everything is decided from plain values: paths of photos (relative to the input folder, ``/`` between their
parts), and a :class:`PairingPlan`. The order of the jobs follows the photos, then the plan, so that two runs agree.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final, Literal

from pipeline.model import Job

#: So many styles are named to say which folders there could be.
_STYLES_NAMED: Final = 10
_NONE_CHOSEN: Final[Mapping[Job, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rule:
    """Photos whose path fits ``match`` (see :func:`fits`) get these styles, and none if there are none.

    Without ``recipes`` each style is used with its own ones.
    """

    match: str
    styles: tuple[str, ...]
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairingPlan:
    """What decides the pairing.

    ``recipes_of`` holds every style's own recipes, in the order of the config. The first rule that fits a photo
    decides for it. For the others ``by`` does: ``all`` gives every style, ``folder`` the style named like the
    nearest folder on the photo's path, or none.
    """

    by: Literal["all", "folder"]
    recipes_of: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...] = ()


def pair(photos: Iterable[str], plan: PairingPlan, chosen: Mapping[Job, str] = _NONE_CHOSEN) -> Iterator[Job]:
    """Yield each job of ``photos`` once: in the order of the photos, then of the styles, then of the recipes.

    ``chosen``: the recipes that take the place of those of single jobs.
    """
    for photo in dict.fromkeys(photos):
        jobs = _jobs_of(photo, plan)
        yield from dict.fromkeys(replace(job, recipe=chosen[job]) if job in chosen else job for job in jobs)


def why_unpaired(photo: str, plan: PairingPlan) -> str:
    """Return why a photo that :func:`pair` yields no job of gets none, and what would help, for its user.

    Empty if it is asked for: the rule that fits the photo names no style.
    """
    if plan.by == "all" or _rule_for(photo, plan) is not None:
        return ""
    also = "fits no rule, and " if plan.rules else ""
    folders = _composed(photo).split("/")[:-1]
    by_case = {_composed(style).casefold(): style for style in plan.recipes_of}
    for folder in reversed(folders):
        if (style := by_case.get(folder.casefold())) is not None:
            return f"{also}lies in {folder}, which is no style's folder: did you mean {style}? Letter case counts"
    return f"{also}lies in no style's folder: {_names(list(plan.recipes_of))}; letter case counts"


def fits(photo: str, pattern: str) -> bool:
    """Return whether a photo's path matches a glob; letter case counts.

    ``*``, ``?`` and ``[a-z]`` stay within one name, ``**`` spans any number of folders. A pattern without ``/``
    matches the file name in any folder; one that starts with ``/`` begins at the input folder; one that ends in
    ``/`` means everything below. Composed and decomposed accents are equal, as macOS stores another form than its
    users type.
    """
    anchored = "/" in pattern
    wanted = _composed(pattern.removeprefix("/"))
    if wanted.endswith("/"):
        wanted += "**"
    parts = wanted.split("/")
    return _parts_fit(_composed(photo).split("/"), parts if anchored else ["**", *parts])


def _jobs_of(photo: str, plan: PairingPlan) -> Iterator[Job]:
    rule = _rule_for(photo, plan)
    styles = _styles_without_rule(photo, plan) if rule is None else rule.styles
    for style in styles:
        for recipe in (rule.recipes if rule else ()) or plan.recipes_of[style]:
            yield Job(photo, style, recipe)


def _rule_for(photo: str, plan: PairingPlan) -> Rule | None:
    return next((rule for rule in plan.rules if fits(photo, rule.match)), None)


def _styles_without_rule(photo: str, plan: PairingPlan) -> tuple[str, ...]:
    if plan.by == "all":
        return tuple(plan.recipes_of)
    by_name = {_composed(style): style for style in plan.recipes_of}
    folders = _composed(photo).split("/")[:-1]
    nearest = next((by_name[folder] for folder in reversed(folders) if folder in by_name), None)
    return () if nearest is None else (nearest,)


def _names(styles: list[str]) -> str:
    more = f" and {len(styles) - _STYLES_NAMED:,} more" if len(styles) > _STYLES_NAMED else ""
    return ", ".join(styles[:_STYLES_NAMED]) + more


def _parts_fit(names: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not names
    first, rest = patterns[0], patterns[1:]
    if first == "**":
        # At the end ** matches at least the file's name, elsewhere it may match no folder at all.
        return any(_parts_fit(names[skipped:], rest) for skipped in range(len(names))) if rest else bool(names)
    return bool(names) and fnmatchcase(names[0], first) and _parts_fit(names[1:], rest)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
