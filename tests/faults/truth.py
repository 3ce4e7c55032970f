"""What must be true of a :class:`tests.faults.world.World` after every pass, after every kill, and in the end."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.hashing import job_key, sha256_of_bytes
from pipeline.ledger import Ledger
from pipeline.model import JobState
from tests.faults.painters import FINE, content_of, photo_bytes, shown_in
from tests.faults.world import World, photo_named

_LONGEST_WAIT_SECONDS = 600.0


def files_under(folder: Path) -> dict[str, bytes]:
    found = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def check_pictures(world: World, *, killed: bool) -> None:
    """Every picture is whole and shows a photo in a style; every paper of the owner's is as it was."""
    there = {name: (world.out / name).read_bytes() for name in world.pictures()}
    for name, data in world.model.papers.items():
        assert there.pop(name, None) == data, f"the owner's {name} was touched"
    for name, data in there.items():
        if name.endswith(".part"):
            assert killed, f"{name} was left behind"
        else:
            assert shown_in(data) is not None, f"{name} shows something else"


def check_ledger(world: World, ledger: Ledger) -> None:
    """Nothing is leased, every picture is what its row says, and no picture is there twice."""
    assert ledger.leases.all() == [], "leased after the end"
    due = ledger.jobs.next_due()
    assert due is None or due <= world.model.now + _LONGEST_WAIT_SECONDS, "parked"
    rows = ledger._store.connection.execute(
        "SELECT output, published_sha256, key FROM jobs WHERE published_sha256 IS NOT NULL"
    ).fetchall()
    keys = {
        job_key(sha256_of_bytes(photo_bytes(content)), settings): (content, style)
        for (style, _), settings in _all_settings(world).items()
        for content in FINE
    }
    published = set()
    for output, sha256, key in rows:
        name = os.fsdecode(output)
        published.add(name)
        data = (world.out / name).read_bytes() if (world.out / name).exists() else None
        if key is None:  # it was deleted, or a kill came between the ledger and the file
            assert name in world.model.cleaned, f"{name} has lost its key"
            continue
        if data is not None and sha256_of_bytes(data) == sha256:
            assert keys[key] == shown_in(data), f"{name} was made of another photo"
        else:
            assert name in world.model.papers or name in world.model.discarded, f"{name} is lost"
    _check_strays(world, published)


def check_deleted(world: World, before: dict[str, bytes]) -> None:
    """What 'clean' has deleted was its own, nothing asks for it, and its photo is there to make it again."""
    there = {path.lower() for path in world.model.photos} if world.model.mounted else set()
    for name in before.keys() - set(world.pictures()):
        assert name not in world.model.papers, f"the owner's {name} was deleted"
        _, style = shown_in(before[name]) or (None, "")
        assert style not in world.model.styles.split("+"), f"{name} was deleted, and is asked for"
        assert name.partition("--")[0].lower() + ".png" in there, f"{name} was deleted, and its photo is gone"


def _all_settings(world: World) -> dict[tuple[str, str], str]:
    """Return the settings of all styles ever in use."""
    found: dict[tuple[str, str], str] = {}
    for (root, mode, _), (_, resolved) in World._settled.items():
        if (root, mode) == (world.root, world.mode):
            found |= resolved.settings_sha256
    return found


def _check_strays(world: World, published: set[str]) -> None:
    """A picture that no job knows must be of a photo that was moved away before another one took its name."""
    for name in world.pictures():
        if name in published or name in world.model.papers or name.endswith(".part"):
            continue
        content, _ = shown_in((world.out / name).read_bytes()) or (None, "")
        photo = name.partition("--")[0] + ".png"
        moved = world.mode != "keep" and content in world.model.history.get(photo, set())
        assert moved, f"{name} is there twice"


def check_originals(world: World) -> None:
    """Every photo is where its owner left it, or, if originals are moved, where they go."""
    model = world.model
    there, kept = files_under(world.photos), files_under(world.kept)
    assert not [name for name in there if name.endswith(".leaving")], "hidden and forgotten"
    for name, content in model.kept.items():
        assert kept.pop(name, None) == photo_bytes(content), f"the moved {name} was touched"
    for name, data in kept.items():
        content, photo = content_of(data), photo_named(name)
        assert content in model.history.get(photo, set()), f"{name} was moved there by nobody"
        model.kept[name] = content
        if photo not in there and model.photos.get(photo) == content:
            del model.photos[photo]
    for path, content in model.photos.items():
        assert there.get(path) == photo_bytes(content), f"{path} is lost"


def check_no_photo_lost(world: World) -> None:
    """Every photo is whole in one of the two places, visible or not, however far its move came."""
    everywhere = [*files_under(world.photos).values(), *files_under(world.kept).values()]
    for path, content in world.model.photos.items():
        assert photo_bytes(content) in everywhere, f"{path} is lost"


def check_end(world: World, ledger: Ledger) -> None:
    """Every photo that can be painted is, in every style, once; what can't be has its reason on record."""
    _, resolved = world.settled()
    rows = {
        (os.fsdecode(photo), style): (state, key)
        for photo, style, state, key in ledger._store.connection.execute("SELECT photo, style, state, key FROM jobs")
    }
    reasons = {row.job.photo for row in ledger.queries.failures()} | {
        problem.path for problem in ledger.queries.photo_problems()
    }
    for path, content in world.model.photos.items():
        if content not in FINE:
            assert path in reasons, f"nobody knows why there is no picture of {path}"
            continue
        assert world.mode == "keep", f"{path} was not moved"
        for (style, _), settings in resolved.settings_sha256.items():
            key = job_key(sha256_of_bytes(photo_bytes(content)), settings)
            assert rows[path, style] == ("done", key), f"{path} in {style} is {rows[path, style]}"
    counts = ledger.queries.counts()
    assert counts[JobState.PENDING] == counts[JobState.LEASED] == 0
    assert all(row.state is JobState.QUARANTINED for row in ledger.queries.failures())
