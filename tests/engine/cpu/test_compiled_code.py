"""Functions are compiled once for a machine, and damaged or outdated code is never loaded."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

from pipeline.engine.cpu.compiled_code import load_functions, may_execute_written_memory

PR_SET_MDWE = 65

LINES = """
define i64 @twice(i64 %x) {{
  %y = mul i64 %x, {factor}
  ret i64 %y
}}
"""


class Compiler:
    """Has functions compiled, and counts how often it was asked for their text."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source, self.asked = folder, folder / "source.py", 0

    def load(self, factor: int = 2, kept_in: Path | None = None) -> Callable[[int], int]:
        def text() -> str:
            self.asked += 1
            return LINES.format(factor=factor)

        self.source.write_text(f"factor = {factor}")
        addresses = load_functions(text, ["twice"], [self.source], kept_in or self.folder / "code")
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(addresses["twice"])


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path)


def test_what_was_compiled_is_found_again(compiler: Compiler) -> None:
    first, second = compiler.load(), compiler.load()
    assert (first(21), second(21), compiler.asked) == (42, 42, 1)


def test_another_source_is_compiled_anew(compiler: Compiler) -> None:
    assert (compiler.load()(5), compiler.load(factor=3)(5), compiler.asked) == (10, 15, 2)


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_damaged_code_is_compiled_anew(compiler: Compiler, damage: bytes | None) -> None:
    compiler.load()
    (file,) = (compiler.folder / "code").iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content) if damage is None else damage)
    assert (compiler.load()(21), compiler.asked) == (42, 2)
    assert (compiler.load()(21), compiler.asked) == (42, 2)


def test_where_nothing_can_be_written_it_is_compiled_all_the_same(compiler: Compiler) -> None:
    (compiler.folder / "file").touch()
    assert compiler.load(kept_in=compiler.folder / "file" / "code")(21) == 42
    addresses = load_functions(lambda: LINES.format(factor=7), ["twice"], [compiler.source])
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(addresses["twice"])(3) == 21


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is Linux that is asked to refuse it")
def test_where_memory_must_not_become_code_nothing_is_compiled() -> None:
    script = (
        "import ctypes, sys;"
        f"refused = ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0);"
        "from pipeline.engine.cpu.compiled_code import may_execute_written_memory;"
        "from pipeline.engine.cpu.fused import fusing_works;"
        "sys.exit(2 if refused else may_execute_written_memory() or fusing_works())"
    )
    code = subprocess.run([sys.executable, "-c", script], check=False).returncode
    if code == 2:
        pytest.skip("this kernel can't be asked to refuse it")
    assert code == 0
    assert may_execute_written_memory()
