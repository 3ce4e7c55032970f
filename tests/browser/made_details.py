"""Writes what the page shows besides the list: details of pictures, the state of the work, contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.report.gallery.rows import details_name
from tests.browser.made_gallery import (
    NEWEST_SECONDS,
    RECIPES,
    STYLES,
    MadeGallery,
    Row,
    drawn_picture,
    thumbnail_files,
)

SIZES = [128, 256]
SERIES = ["content relu4_2", "style relu1_1", "style relu2_1"]
PHOTO_DIGEST = "abcdefabcdefabcdefab"
PHOTO_COPY = f"photos/ab/{PHOTO_DIGEST}.webp"
PHOTO_THUMBNAIL = f"photos/ab/{PHOTO_DIGEST}-s.webp"
PAINTING_COPY = "paintings/cd/cdcdcdcdcdcdcdcdcdcd.webp"
TIMELAPSE = "lion--night.timelapse.webp"
DEFAULTS = {
    "size": 512,
    "content_layers": {"relu4_2": 1},
    "content_weight": 0.02,
    "loss": "relative",
    "optimizer": "lbfgs",
    "seed": 0,
}


def history(points_a_scale: int = 5) -> dict[str, Any]:
    """Return losses at two sizes; the content's first one is 0, as where the picture begins as the photo."""
    points = []
    for scale in range(len(SIZES)):
        for number in range(points_a_scale):
            style = 0.1 / (number + 1)
            content = 0.0 if not (scale or number) else 0.01
            points.append([number + 1, scale, style + content, 0.0, [content, style * 0.75, style * 0.25]])
    return {"series": SERIES, "points": points}


def details(row: Row, **changes: Any) -> dict[str, Any]:
    """Return the details of a picture, as its file holds them."""
    style, recipe = STYLES[row.style], RECIPES[row.recipe]
    stem = row.photo.rpartition(".")[0]
    made = {
        "id": row.id,
        "photo": row.photo,
        "output": f"{stem}--{style}{'' if recipe == 'default' else f'--{recipe}'}.jpg",
        "style": style,
        "recipe": recipe,
        "state": row.state,
        "reason": "",
        "attempts": 1,
        "time": row.time,
        "key": "e85879368a667f0be513d740da3d77981633c8f23b35b243c7ded5d401827275",
        "copied": False,
        "width": row.size[0],
        "height": row.size[1],
        "engine": "7",
        "program": "0.1.0",
        "sizes": SIZES,
        "iterations": [37, 51],
        "first": {"content": 0.0229, "style": 0.2412, "total": 0.2641},
        "last": {"content": 0.0194, "style": 0.0103, "total": 0.0297},
        "seconds": 327.8,
        "device": "cpu (2 threads, float32)",
        "cache_hits": 3,
        "cache_misses": 1,
        "notes": [],
        "history": history(),
        "settings": {"size": 1024, "content_layers": [["relu4_2", 1], ["relu5_2", 0.5]]},
        "yaml": "recipes:\n  default:\n    size: 1024\n",
        "paintings": [{"name": "starry_night.jpg", "weight": 1.0, "copy": PAINTING_COPY}],
        "scale": 1.0,
        "picture_src": f"thumbs/{row.thumb[:2]}/{row.thumb}.webp" if row.thumb else None,
        "photo_copy": PHOTO_COPY,
        "photo_file": row.photo,
        "timelapse": None,
    }
    return made | changes


def write_details(gallery: MadeGallery, row: Row, **changes: Any) -> None:
    """Write the file of a picture's details."""
    gallery.write_script(details_name(row.id).removeprefix("data/"), "picture", row.id, details(row, **changes))


def write_copies(folder: Path) -> None:
    """Write the copy of a photo, of another size than its pictures, and the copy of a painting."""
    for number, (name, size) in enumerate(
        [(PHOTO_COPY, (640, 427)), (PAINTING_COPY, (300, 200)), (PHOTO_THUMBNAIL, (400, 267))]
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn_picture(900 + number, size).save(path, quality=80)


def write_all_details(gallery: MadeGallery) -> None:
    """Write the details of all pictures of a gallery, with the copies that they show."""
    write_copies(gallery.folder)
    for row in gallery.rows:
        write_details(gallery, row)


FAILURE = "The worker process died while it worked on this picture (killed by signal 9)."
TRUNCATED = "This JPEG ends in the middle of its picture data."


def few_rows(digests: Sequence[str], names: Sequence[str]) -> list[Row]:
    """Return one photo in three ways, a failed, a quarantined and a waiting picture, and hostile names."""
    lion = {"photo": "2024/june/lion.jpg", "size": (400, 267)}
    rows = [
        Row(id=1, thumb=digests[0], photo_thumb="", **lion),
        Row(id=2, style=1, thumb=digests[0], time=NEWEST_SECONDS - 1, **lion),
        Row(id=3, style=1, recipe=1, thumb=digests[0], time=NEWEST_SECONDS - 2, **lion),
        Row(id=4, photo="tubingen.jpg", style=1, thumb=digests[2], size=(400, 300), time=NEWEST_SECONDS - 3),
        Row(id=5, photo="panorama.tif", state="failed", size=(0, 0), style_loss=None, time=NEWEST_SECONDS - 4),
        Row(id=6, photo="half.jpg", state="quarantined", size=(0, 0), style_loss=None, time=NEWEST_SECONDS - 5),
        Row(id=8, photo="ugly.jpg", state="rejected", thumb="dead" * 5, time=NEWEST_SECONDS - 7),
        Row(id=7, photo="later.jpg", state="pending", size=(0, 0), style_loss=None, time=NEWEST_SECONDS - 6),
    ]
    hostile = (
        Row(id=20 + number, photo=name, thumb=digests[1], size=(267, 400), time=NEWEST_SECONDS - 100 - number)
        for number, name in enumerate(names)
    )
    return [*rows, *hostile]


def status(names: Sequence[str]) -> dict[str, Any]:
    """Return the state of the work, with failures of hostile names."""
    failed = {"style": "night", "recipe": "default", "attempts": 3, "time": NEWEST_SECONDS}
    quarantined = failed | {
        "state": "quarantined",
        "attempts": 1,
        "advice": "It is given up until its photo changes.",
    }
    aside = {"advice": "Put a whole file in its place.", "time": NEWEST_SECONDS}
    runs = [
        {
            "started": NEWEST_SECONDS - 86400 * day,
            "seconds": 3600.0,
            "made": 140 - day,
            "copied": day,
            "failed": day % 2,
        }
        | {"left": 0, "set_aside": 1, "interrupted": day == 0, "reason": "stopped by Ctrl-C" if day == 0 else ""}
        | {"report": f"reports/2026-11-{29 - day}-010000/report.txt" if day else None}
        for day in range(3)
    ]
    return {
        "written": NEWEST_SECONDS,
        "failures": [
            failed
            | {"id": 5, "photo": "panorama.tif", "state": "failed", "reason": FAILURE, "advice": "Less memory."},
            *(quarantined | {"id": 6, "photo": name, "reason": f"{TRUNCATED} It is '{name}'."} for name in names),
        ],
        "failures_total": 1 + len(names),
        "problems": [{"photo": name, "reason": TRUNCATED} | aside for name in names[:3]],
        "incomplete": [{"photo": "coming.jpg", "reason": "The file ends before the JPEG does."} | aside],
        "skipped": {"smaller than 64 pixels": 14},
        "warnings": [],
        "counts": {"done": 9810, "pending": 20, "leased": 2},
        "runs": runs,
        "throughput": {"pictures_an_hour": 18.4, "seconds_a_picture": 195.0},
        "backlog_seconds": 4000,
        "cache": {"hits": 300, "misses": 100, "files": 16, "bytes": 48_300_000},
        "config": "styles:\n  - {name: night, painting: <b>starry</b>.jpg}\n",
        "config_name": "stylewatch.yaml",
        "versions": [["stylewatch", "0.1.0"], ["engine", "7"]],
    }


def canvas(token: str, photo: str, **changes: Any) -> dict[str, Any]:
    """Return a picture in progress."""
    begun = {
        "id": 7,
        "photo": photo,
        "style": "night",
        "recipe": "default",
        "token": token,
        "image": None,
        "revision": 0,
        "scale_index": 1,
        "scale_count": 2,
        "size": 256,
        "iteration": 30,
        "iterations": 60,
        "losses": {"content": 0.02, "style": 0.03, "total": 0.05},
        "history": [[1, 0.5], [20, 0.2], [40, 0.05]],
    }
    return begun | changes


def live(written: float, canvases: Sequence[Mapping[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return what a program at work says of itself."""
    value = {"written": round(written), "working": True, "note": "", "left": 20, "seconds_left": 4000, "done": 120}
    return value | {"canvases": list(canvases), "catalog_written": NEWEST_SECONDS} | changes


def sheet(digest: str, names: Sequence[str]) -> dict[str, Any]:
    """Return a contact sheet of two photos, three weights and two sizes; the last picture failed."""
    axes = [
        {"setting": "content_weight", "values": ["0.01", "0.02", "0.05"]},
        {"setting": "size", "values": ["256", "512"]},
    ]
    cells = [
        {"photo": photo, "style": "night", "recipe": "default", "values": [weight, size], "thumb": digest}
        | {"picture": f"thumbs/{digest[:2]}/{digest}.webp", "width": 400, "height": 267, "seconds": 12.5}
        | {"style_loss": 0.0123, "content_loss": 0.02, "error": ""}
        for photo in range(2)
        for weight in range(3)
        for size in range(2)
    ]
    cells[-1] |= {"picture": None, "thumb": "", "error": "The memory ran out."}
    photos = [{"name": name, "thumb": PHOTO_DIGEST, "copy": PHOTO_COPY} for name in names[:2]]
    return {
        "id": "2026-11-29-201500",
        "title": f"{names[0]} in night",
        "time": NEWEST_SECONDS,
        "config_name": "stylewatch.yaml",
        "photos": photos,
        "axes": axes,
        "cells": cells,
        "png": None,
    }


def make_views_gallery(output: Path, names: Sequence[str], **changes: Any) -> MadeGallery:
    """Make a small gallery that has something to show in every view."""
    digests = thumbnail_files(output / "gallery", 3, drawn_picture)
    gallery = MadeGallery(output, few_rows(digests, names), {"recipe_defaults": DEFAULTS} | changes)
    gallery.write()
    write_all_details(gallery)
    drawn_picture(7, (160, 107)).save(output / TIMELAPSE, quality=60)
    by_id = {row.id: row for row in gallery.rows}
    blend = [
        {"name": "starry_night.jpg", "weight": 0.7, "scale": 1.0},
        {"name": "wave.jpg", "weight": 0.3, "scale": 4.0},
    ]
    write_details(
        gallery,
        by_id[2],
        photo_copy=None,
        photo_file=None,
        paintings=blend,
        scale=0.5,
        settings={"content_weight": 0},
    )
    write_details(
        gallery, by_id[3], timelapse=TIMELAPSE, notes=["The photo was enlarged."], settings={"strength": 0.9}
    )
    write_details(gallery, by_id[4], settings=None, history=None, yaml="", device="", first=None, last=None)
    places = ["night where the mask is white", "the photo as it is where the mask is black"]
    write_details(gallery, by_id[20], places=places, paintings=blend)
    for number, reason in [(5, FAILURE), (6, TRUNCATED)]:
        write_details(
            gallery, by_id[number], reason=reason, attempts=3, picture_src=None, photo_copy=None, history=None
        )
    write_details(gallery, by_id[8], reason="rejected: deleted", picture_src=None)
    gallery.write_script("status.js", "status", status(names))
    contact_sheet = sheet(digests[0], names)
    gallery.write_script(f"sheets/{contact_sheet['id']}.js", "sheet", contact_sheet["id"], contact_sheet)
    listed = {name: contact_sheet[name] for name in ("id", "title", "time")}
    gallery.write_script("sheets.js", "sheets", [listed | {"cells": 12, "thumb": digests[0]}])
    return gallery
