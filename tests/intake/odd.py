"""Archives that look odd and are fine."""

from __future__ import annotations

import gzip
import stat
import tarfile

from tests.intake.cases import COMPOSED, DECOMPOSED, RAW, Case, good_tar, good_zip, two
from tests.intake.packing import END, _info, in_end, one, photo, repeated, replaced, special, tarred, zip64, zipped

ODD_BUT_FINE = [
    Case("plain zip", "trip.zip", good_zip, two("trip.zip")),
    Case(
        "zip without compression",
        "TRIP.ZIP",
        lambda: zipped(("good.png", photo(3)), method=0),
        {"TRIP.ZIP/good.png": 3},
    ),
    Case("large zip", "trip.zip", lambda: zip64(zipped(("good.png", photo(3)))), {"trip.zip/good.png": 3}),
    Case(
        "zip with a comment",
        "trip.zip",
        lambda: zipped(("good.png", photo(3)), comment=b"hi"),
        {"trip.zip/good.png": 3},
    ),
    Case("empty zip", "trip.zip", lambda: zipped()),
    Case("plain tar", "trip.tar", good_tar, two("trip.tar")),
    Case(
        "tar of long ago",
        "trip.tar",
        lambda: tarred(("good.png", photo(3)), form=tarfile.USTAR_FORMAT),
        {"trip.tar/good.png": 3},
    ),
    Case("compressed tar", "trip.tgz", lambda: gzip.compress(good_tar()), two("trip.tgz")),
    Case("compressed tar by its long name", "trip.tar.gz", lambda: gzip.compress(good_tar()), two("trip.tar.gz")),
    Case("tar that is compressed after all", "trip.tar", lambda: gzip.compress(good_tar()), two("trip.tar")),
    Case("zip with a tar's name", "trip.tar", good_zip, two("trip.tar")),
    Case(
        "tgz in pieces",
        "trip.tgz",
        lambda: gzip.compress(good_tar()[:2000]) + gzip.compress(good_tar()[2000:]),
        two("trip.tgz"),
    ),
    Case(
        "tar from a folder",
        "trip.tar",
        lambda: tarred(
            (special("./", tarfile.DIRTYPE), b""), ("./good.png", photo(3)), ("./beach//also.png", photo(5))
        ),
        two("trip.tar"),
    ),
    Case(
        "junk, sidecars and other files",
        "trip.zip",
        lambda: zipped(
            ("good.png", photo(3)),
            ("__MACOSX/._good.png", b"junk"),
            ("._good.png", b"junk"),
            (".DS_Store", b"junk"),
            ("Thumbs.db", b"junk"),
            ("good.xmp", b"<xmp/>"),
            ("clip.mp4", b"film"),
            (".hidden/x.png", photo(1)),
            ("@eaDir/good.png", photo(1)),
            ("readme", b"text"),
            (_info("latest", stat.S_IFLNK | 0o777), b"good.png"),
        ),
        {"trip.zip/good.png": 3},
    ),
    Case(
        "names that differ in case",
        "trip.zip",
        lambda: zipped(("a.png", photo(3)), ("A.png", photo(5))),
        {"trip.zip/a.png": 3, "trip.zip/A.png": 5},
    ),
    Case(
        "names that differ in composition",
        "trip.tar",
        lambda: tarred((COMPOSED, photo(3)), (DECOMPOSED, photo(5))),
        {f"trip.tar/{COMPOSED}": 3, f"trip.tar/{DECOMPOSED}": 5},
    ),
    Case(
        "zip name in code page 437",
        "trip.zip",
        lambda: replaced(zipped(("Gem_lde.png", photo(3))), b"Gem_lde", b"Gem\x84lde"),
        {"trip.zip/Gemälde.png": 3},
    ),
    Case(
        "zip name in UTF-8 that does not say so",
        "trip.zip",
        lambda: replaced(zipped(("Gem__lde.png", photo(3))), b"Gem__lde", "Gemälde".encode()),
        {"trip.zip/Gemälde.png": 3},
    ),
    Case(
        "zip name in a field beside it",
        "trip.zip",
        lambda: zipped((repeated("Gemlde.png", "Gemälde.png"), photo(3))),
        {"trip.zip/Gemälde.png": 3},
    ),
    Case(
        "zip of Windows with backslashes",
        "trip.zip",
        lambda: zipped(
            (_info("a\\", system=0), b""),
            (_info("a\\good.png", system=0), photo(3)),
            (_info("b/x.png", system=0), photo(5)),
        ),
        {"trip.zip/a/good.png": 3, "trip.zip/b/x.png": 5},
    ),
    Case(
        "zip of anywhere with nothing but backslashes",
        "trip.zip",
        lambda: zipped(("a\\good.png", photo(3)), ("also.png", photo(5))),
        {"trip.zip/a/good.png": 3, "trip.zip/also.png": 5},
    ),
    Case("zip with something after it", "trip.zip", lambda: good_zip() + b"junk" * 1000, two("trip.zip")),
    Case("zip with zeros after it", "trip.zip", lambda: good_zip() + bytes(5000), two("trip.zip")),
    Case("large zip with something after it", "trip.zip", lambda: zip64(good_zip()) + b"junk", two("trip.zip")),
    Case("zip whose comment is cut", "trip.zip", lambda: in_end(good_zip(), 20, "H", 300) + b"hi", two("trip.zip")),
    Case("zip that unpacks itself", "trip.zip", lambda: b"MZ" + b"\x90" * 3000 + good_zip(), two("trip.zip")),
    Case("large zip that unpacks itself", "trip.zip", lambda: b"#!/bin/sh\n" + zip64(good_zip()), two("trip.zip")),
    Case(
        "zip with something before and after it",
        "trip.zip",
        lambda: b"#!/bin/sh\n" + good_zip() + b"\n",
        two("trip.zip"),
    ),
    Case(
        "tar that holds a zip",
        "trip.tar",
        lambda: tarred(("good.png", photo(3)), ("x.txt", good_zip())),
        {"trip.tar/good.png": 3},
    ),
    Case("tar without its end", "trip.tar", lambda: one("good.png", 3), {"trip.tar/good.png": 3}),
    Case("tar with half its end", "trip.tar", lambda: one("good.png", 3) + END[:512], {"trip.tar/good.png": 3}),
    Case(
        "tar without its last padding", "trip.tar", lambda: one("good.png", 3).rstrip(b"\0"), {"trip.tar/good.png": 3}
    ),
    Case(
        "tgz of a tar without its end",
        "trip.tgz",
        lambda: gzip.compress(one("good.png", 3)),
        {"trip.tgz/good.png": 3},
    ),
    Case(
        "tgz of a tar without its last padding",
        "trip.tgz",
        lambda: gzip.compress(one("good.png", 3).rstrip(b"\0")),
        {"trip.tgz/good.png": 3},
    ),
    Case(
        "tar name that is no UTF-8",
        "trip.tar",
        lambda: tarred((RAW, photo(3)), form=tarfile.GNU_FORMAT),
        {f"trip.tar/{RAW}": 3},
    ),
    Case(
        "devices of Windows",
        "trip.zip",
        lambda: zipped(("con.png", photo(3)), ("aux/x.png", photo(5))),
        {"trip.zip/con.png": 3, "trip.zip/aux/x.png": 5},
    ),
    Case(
        "a name for terminals",
        "trip.zip",
        lambda: zipped(("a\x1b[2J\n.png", photo(3))),
        {"trip.zip/a\x1b[2J\n.png": 3},
    ),
    Case(
        "a name for shells",
        "trip.zip",
        lambda: zipped(("$(touch evil);'.png", photo(3))),
        {"trip.zip/$(touch evil);'.png": 3},
    ),
    Case(
        "a name for templates",
        "trip.zip",
        lambda: zipped(("{style}{0}.png", photo(3))),
        {"trip.zip/{style}{0}.png": 3},
    ),
    Case(
        "a photo and a folder of one name",
        "trip.zip",
        lambda: zipped(("a.png", photo(3)), ("a.png/b.png", photo(5))),
        {"trip.zip/a.png": 3, "trip.zip/a.png/b.png": 5},
    ),
    Case(
        "a folder with a photo's name",
        "trip.zip",
        lambda: zipped(("x.png/", b""), ("x.png/a.png", photo(3))),
        {"trip.zip/x.png/a.png": 3},
    ),
    Case(
        "a folder with an archive's name",
        "trip.zip",
        lambda: zipped(("b.zip/a.png", photo(3))),
        {"trip.zip/b.zip/a.png": 3},
    ),
    Case(
        "a picture's name as a folder",
        "trip.zip",
        lambda: zipped(("a--night.jpg/b.png", photo(3)), ("a.png", photo(5))),
        {"trip.zip/a--night.jpg/b.png": 3, "trip.zip/a.png": 5},
    ),
    Case(
        "a second tar after the first one's end",
        "trip.tar",
        lambda: one("good.png", 3) + END + one("later.png", 5) + END,
        {"trip.tar/good.png": 3},
    ),
]
