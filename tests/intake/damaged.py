"""Archives that are damaged, not all there, or no archives; and photos in whole ones that are."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable

from tests.intake.cases import beside, good_tar, good_zip, inside, refused, with_good
from tests.intake.packing import (
    END,
    directory,
    header,
    in_directory,
    in_end,
    in_place,
    jpeg,
    one,
    pax,
    photo,
    replaced,
    zip64,
    zipped,
)


def cut(build: Callable[[], bytes], share: float) -> Callable[[], bytes]:
    return lambda: (data := build())[: int(len(data) * share)]


DAMAGED = [
    *(
        refused(f"zip cut at {tenth}0 %", "trip.zip", cut(good_zip, tenth / 10), "", "incomplete")
        for tenth in range(1, 10)
    ),
    *(
        # In headers and in files; between them, it could be all there is.
        refused(f"tar cut at {cut}", "trip.tar", lambda cut=cut: good_tar()[:cut], "", "incomplete")
        for cut in (100, 511, 512, 560, 1025, 1300, 1536, 1600)
    ),
    *(
        refused(
            f"tgz cut at {tenth}0 %", "trip.tgz", cut(lambda: gzip.compress(good_tar()), tenth / 10), "", "incomplete"
        )
        for tenth in range(1, 10)
    ),
    refused("zip without its last byte", "trip.zip", lambda: good_zip()[:-1], "is missing", "incomplete"),
    refused(
        "tar that ends in a header",
        "trip.tar",
        lambda: one("good.png", 3) + one("x.png", 1)[:300],
        "ends in the middle of a header",
        "incomplete",
    ),
    refused(
        "tar that ends after the header of a header",
        "trip.tar",
        lambda: one("good.png", 3) + pax(("path", "x.png")),
        "ends in the middle of a file",
        "incomplete",
    ),
    refused(
        "tar that ends in a file", "trip.tar", lambda: one("good.png", 3)[: 512 + len(photo(3)) - 1], "", "incomplete"
    ),
    refused("tgz without its last byte", "trip.tgz", lambda: gzip.compress(good_tar())[:-1], "", "incomplete"),
    refused(
        "zip set aside beforehand",
        "trip.zip",
        lambda: (data := good_zip())[:300] + bytes(len(data) - 300),
        "table of contents is missing",
        "incomplete",
    ),
    refused(
        "tgz set aside beforehand",
        "trip.tgz",
        lambda: (data := gzip.compress(good_tar()))[:100] + bytes(len(data) - 100),
        "filled with zeros",
        "incomplete",
    ),
    refused("only zeros", "trip.tar", lambda: bytes(10240), "nothing but zeros", "incomplete"),
    refused("empty file", "trip.zip", lambda: b"", "it is empty", "incomplete"),
    refused(
        "zip that holds the end of another",
        "trip.zip",
        lambda: (data := zipped(("in.zip", good_zip()), ("x.png", photo(1)), method=0))[
            : data.index(b"PK\x05\x06") + 22
        ],
        "does not lie where it should",
        "incomplete",
    ),
    refused(
        "junk before a zip", "trip.zip", lambda: b"PK\x03\x04junk" + good_zip(), "lie where it should", "incomplete"
    ),
    refused(
        "too much after a zip", "trip.zip", lambda: good_zip() + bytes(70_000), "contents is missing", "incomplete"
    ),
    refused("zip in parts", "trip.zip", lambda: in_end(good_zip(), 4, "HH", 1, 1), "one of several parts"),
    refused(
        "directory that begins elsewhere",
        "trip.zip",
        lambda: in_end(good_zip(), 16, "L", 7),
        "lie where it should",
        "incomplete",
    ),
    refused(
        "directory of 4 GB", "trip.zip", lambda: in_end(good_zip(), 12, "L", 0xFFFFFFF0), "lie where", "incomplete"
    ),
    refused("large zip with a damaged record", "trip.zip", lambda: zip64(good_zip(), size=1 << 62), "", "incomplete"),
    refused(
        "large zip without its record",
        "trip.zip",
        lambda: replaced(zip64(good_zip()), b"PK\x06\x06", b"PK\x00\x00"),
        "damaged",
    ),
    refused(
        "zip directory with zeros",
        "trip.zip",
        lambda: (data := good_zip())[: directory(data)] + bytes(len(data) - directory(data) - 22) + data[-22:],
        "it is damaged",
    ),
    refused(
        "name that claims to be UTF-8",
        "trip.zip",
        lambda: replaced(zipped(("ü.png", photo(3)), ("b.png", photo(1))), "ü".encode(), b"\xff\xfe"),
        "it is damaged",
    ),
    beside(
        "zip wrong check sum",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 16, "L", 12345),
        "CRC",
    ),
    beside(
        "zip flipped bits",
        lambda: replaced(zipped(("evil.png", photo(1)), ("good.png", photo(3)), method=0), photo(1), photo(9)),
        "CRC",
    ),
    beside(
        "zip broken Deflate",
        lambda: in_place(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 30 + len("evil.png"), b"\xff" * 8),
        "it is damaged",
    ),
    beside(
        "zip size too small",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 24, "L", 20),
        "it is damaged",
    ),
    beside(
        "zip size too large",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 24, "L", 100_000),
        "it is damaged",
    ),
    beside(
        "zip with another name at the content",
        lambda: replaced(zipped(("evil.png", photo(1)), ("good.png", photo(3))), b"evil.png", b"fine.png", 1),
        "it is damaged",
    ),
    beside(
        "zip content beyond the end",
        lambda: in_directory(zipped(("evil.png", photo(1)), ("good.png", photo(3))), 42, "L", 0x7FFFFFFF),
        "it is damaged",
    ),
    beside(
        "zip content in the directory",
        lambda: in_directory(
            data := zipped(("evil.png", photo(1)), ("good.png", photo(3))), 42, "L", directory(data)
        ),
        "it is damaged",
    ),
    refused(
        "tar with a damaged header",
        "trip.tar",
        lambda: one("good.png", 3) + bytes(10) + b"junk" * 125 + bytes(2) + one("x.png", 1) + END,
        "there is data between its files that belongs to none",
    ),
    refused("tar with a number that is none", "trip.tar", with_good(header("evil.png", b"zzzzzzzzzzz\0")), "none"),
    refused(
        "gzip wrong check sum",
        "trip.tgz",
        lambda: (data := gzip.compress(good_tar()))[:-8] + b"\1\2\3\4" + data[-4:],
        "packed data is damaged",
    ),
    refused(
        "gzip flipped bits",
        "trip.tgz",
        lambda: in_place(gzip.compress(good_tar()), 60, b"\xff\xff\xff\xff"),
        "damaged",
    ),
    refused("gzip with junk after it", "trip.tgz", lambda: gzip.compress(good_tar()) + b"junk", "damaged"),
    refused("gzip of no tar", "trip.tar.gz", lambda: gzip.compress(b"I am a letter. " * 100), "no tar archive"),
    refused("gzip of a zip", "trip.tgz", lambda: gzip.compress(good_zip()), "the tar in it ends"),
    refused("gzip of half a tar", "trip.tgz", lambda: gzip.compress(good_tar()[:600]), "the tar in it ends in the"),
    refused("gzip of a gzip", "trip.tgz", lambda: gzip.compress(gzip.compress(good_tar())), ""),
    refused("letter", "trip.zip", lambda: b"I am a letter, not an archive. " * 40, "no tar archive"),
    refused("web page", "trip.zip", lambda: b"<!doctype html>" + b"<p>404</p>" * 200, "no tar archive"),
    refused("photo with an archive's name", "trip.tar", lambda: jpeg(), "no tar archive"),
    *(
        refused(f"RAR as {name}", name, lambda: b"Rar!\x1a\x07\x01\x00" + os.urandom(2000), "it is a RAR archive, ")
        for name in ("trip.zip", "trip.rar", "trip.CBR", "trip.tar")
    ),
    *(
        refused(f"7-Zip as {name}", name, lambda: b"7z\xbc\xaf\x27\x1c\0\4" + os.urandom(2000), "a 7-Zip archive, ")
        for name in ("trip.zip", "trip.7z", "trip.cb7", "trip.tgz")
    ),
    refused("noise", "trip.tgz", lambda: b"\x1f\x8b\x08\x00" + bytes(range(1, 250)) * 9, "damaged"),
]

CONTENTS = [
    inside("a cut photo", lambda: jpeg(cut=500), "incomplete", "evil.jpg"),
    inside("a photo set aside beforehand", lambda: jpeg(tail_of_zeros=9000), "incomplete", "evil.jpg"),
    inside("a cut PNG", lambda: photo(1)[:-40], "incomplete"),
    inside("a web page", lambda: b"<!doctype html><p>no photo", "an HTML page", "evil.jpg"),
    inside("empty", lambda: b"", "the file is empty"),
    inside("zeros", lambda: bytes(5000), "nothing but zeros"),
    inside("noise", lambda: b"\1\2" + os.urandom(5000), "not an image"),
    inside("a program", lambda: b"MZ" + bytes(range(256)) * 4, "a Windows program"),
]


ALL_DAMAGED = [*DAMAGED, *CONTENTS]
