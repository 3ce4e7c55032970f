"""Names that photos can have and that nothing may take for anything but text."""

from __future__ import annotations

import os

HOSTILE_NAMES = (
    "<img onerror=alert(1)>.jpg",
    "</script><script>alert(1)</script>.jpg",
    "<!--.jpg",
    "]]>-->.jpg",
    "\"quotes' and \\ backslash.jpg",
    "two\nlines.jpg",
    "a\x00b\x1b[31m.jpg",
    "photo\u202egpj.exe.jpg",
    "line\u2028and\u2029paragraph.jpg",
    os.fsdecode(b"latin-\xe4.jpg"),
    "\U0001f3a8.jpg",
    "${alert(1)}`.jpg",
    "__proto__.jpg",
)
