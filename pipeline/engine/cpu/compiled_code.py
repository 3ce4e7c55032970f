"""Compiles functions of LLVM for the processor that is there, and keeps their code for the next process.

Compiling takes a second, loading what is kept some milliseconds. A file of code is found by what it was made from and
for: its source, the processor and LLVM's version. It begins with its own hash, since damaged code must never run.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import llvmlite
from llvmlite import binding

from pipeline.engine.machine import store_bytes
from pipeline.hashing import sha256_of_bytes, sha256_of_json

_HASH_LENGTH: Final = len(sha256_of_bytes(b""))

# What an engine has loaded is freed with it.
_LOADED: Final[list[Any]] = []


def load_functions(
    make_text: Callable[[], str], names: Sequence[str], sources: Sequence[Path], folder: Path | None = None
) -> dict[str, int]:
    """Return the addresses of functions of the module that ``make_text`` returns; they stay as long as the process.

    Nothing is compiled, nor ``make_text`` called, where ``folder`` has the code of the same ``sources``: the files
    with what ``make_text`` does. Raises RuntimeError if LLVM can't make code for this machine, or must not.
    """
    if not may_execute_written_memory():
        raise RuntimeError("this system lets no program run what it has compiled")
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    processor, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=processor, features=features, opt=3, codemodel="jitdefault", jit=True
    )
    path = folder / f"compiled-{_identity(sources, processor, features)}.o" if folder else None
    code = _read(path) if path else None
    if code is None:
        code = _compiled(make_text(), machine)
        if path:
            with contextlib.suppress(OSError):
                store_bytes(path, sha256_of_bytes(code).encode("ascii") + code)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _LOADED.append(engine)
    return {name: engine.get_function_address(name) for name in names}


def may_execute_written_memory() -> bool:
    """Tell whether memory may become code. Where systemd or SELinux refuses that, LLVM would crash."""
    if os.name != "posix":
        return True
    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        there = ctypes.c_char.from_buffer(page)
        protect = ctypes.CDLL(None).mprotect
        refused = protect(ctypes.c_void_p(ctypes.addressof(there)), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC)
        del there
    return not refused


def _compiled(text: str, machine: Any) -> bytes:
    module = binding.parse_assembly(text)
    module.verify()
    passes = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return bytes(machine.emit_object(module))


def _identity(sources: Sequence[Path], processor: str, features: str) -> str:
    texts = [path.read_text("utf-8") for path in sources]
    return sha256_of_json([texts, processor, features, llvmlite.__version__, list(binding.llvm_version_info)])[:16]


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    code = content[_HASH_LENGTH:]
    return code if sha256_of_bytes(code).encode("ascii") == content[:_HASH_LENGTH] else None
