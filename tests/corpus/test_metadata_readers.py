from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.corpus.metadata_readers import ExifTool, FileMetadata, PillowMetadata, find_metadata_reader

EXIFTOOL = """
import json, sys
if sys.argv[1:] == ["-ver"]:
    print("12.99")
    sys.exit()
known = {
    "a.jpg": {"FileType": "JPEG", "ImageSize": "40 30", "Orientation": 6},
    "b.heic": {"FileType": "HEIC", "ImageSize": "40 30", "Orientation": 3, "Rotation": 90},
    "c.png": {"FileType": "PNG", "ImageSize": "40 30"},
    "d.tif": {"FileType": "TIFF"},
}
words = []
for line in map(str.strip, sys.stdin):
    words.append(line)
    if line == "-execute":
        name = words[-2].rpartition("/")[2]
        answer = json.dumps([{"SourceFile": words[-2], **known[name]}]) + "\\n" if name in known else ""
        print(answer + "" if "-q" in words else answer + "{ready}", flush=True)  # as exiftool does
        words = []
    if words[-2:] == ["-stay_open", "False"]:
        sys.exit()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program on Windows")
def test_one_exiftool_is_asked_for_one_file_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "exiftool"
    program.write_text(f"#!{sys.executable}\n{EXIFTOOL}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    reader = find_metadata_reader()
    assert isinstance(reader, ExifTool)
    assert reader.name == "exiftool 12.99"
    known = [reader.read(tmp_path / name) for name in ("a.jpg", "b.heic", "nothing", "c.png", "d.tif")]
    reader.close()
    assert known == [
        FileMetadata("JPEG", (30, 40), 6),
        FileMetadata("HEIC", (30, 40), 6),
        None,
        FileMetadata("PNG", (40, 30), 1),
        FileMetadata("TIFF", None, 1),
    ]


def test_without_exiftool_pillow_reads_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[274] = 8
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "b.jpg").write_bytes(b"nothing")
    monkeypatch.setenv("PATH", str(tmp_path))
    reader = find_metadata_reader()
    assert isinstance(reader, PillowMetadata)
    assert reader.read(tmp_path / "a.jpg") == FileMetadata("JPEG", (30, 40), 8)
    assert reader.read(tmp_path / "b.jpg") is None
