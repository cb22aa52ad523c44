"""The copy of llama.cpp that llama-cpp-python owns, and the check that this core fits it.

fastscore compiles and links no llama.cpp. It imports ``llama_cpp``, which loads the build that
the user chose (CPU, CUDA, Metal), and resolves the few functions that the native core calls from
that very file: never by bare name, or two copies could end up in one process.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastscore import _core
from fastscore.errors import EngineMismatchError

_lock = threading.Lock()
# Warnings and errors that were logged while `listening` had the log.
_heard: list[str] = []
# The levels of ggml_log_level from which on a line explains a failure; a line may go on in the
# next one.
_WARNING, _CONTINUED = 3, 5


@functools.cache
def _load() -> tuple[Any, _core.Library]:
    try:
        from llama_cpp import llama_cpp as api

        mirrors = {name: getattr(api, name) for name in _core.struct_layouts()}
        path = api._lib._name
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise EngineMismatchError(
            f"llama-cpp-python cannot be loaded: {error}. Reinstall it with "
            '"pip install --force-reinstall --no-cache-dir llama-cpp-python"'
        ) from error
    check_layouts(mirrors)
    _check_penalties(api)
    library = _core.Library(path)
    # llama.cpp logs each tensor to stderr unless told otherwise; warnings and errors are kept for
    # the message of a call that fails.
    library.capture_log()
    # llama.cpp keeps the address for good and logs up to its own end, which comes after Python has
    # freed every object: one reference is never given back.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
    api.llama_backend_init()
    return api, library


def load() -> tuple[Any, _core.Library]:
    """``llama_cpp``'s low-level functions and the native core's view of the same library.

    Raises EngineMismatchError when llama-cpp-python is missing, broken, or laid out otherwise
    than this build of the core expects.
    """
    with _lock:
        return _load()


def check_layouts(mirrors: Mapping[str, type[ctypes.Structure]]) -> None:
    """Compare the structs that cross to llama.cpp with llama_cpp's own mirrors of them.

    All releases of llama.cpp share a soname, so the loader never rejects a wrong one, and a
    mismatch would be silent memory corruption.
    """
    for name, ours in _core.struct_layouts().items():
        mirror = mirrors[name]
        offsets = {field: getattr(mirror, field).offset for field, *_ in mirror._fields_}
        if ours != (ctypes.sizeof(mirror), offsets):
            raise _mismatch(f"lays out {name} as {ctypes.sizeof(mirror)} bytes, {offsets}", ours)


def _check_penalties(api: Any) -> None:
    """Refuse releases whose repeat penalty takes other arguments than the core gives it."""
    n_arguments = len(api.llama_sampler_init_penalties.argtypes)
    if n_arguments != 5:
        raise _mismatch(f"has a repeat penalty of {n_arguments} arguments", 5)


def _mismatch(theirs: str, ours: object) -> EngineMismatchError:
    return EngineMismatchError(
        f"llama-cpp-python {_version('llama-cpp-python')} {theirs}, and fastscore "
        f"{_version('fastscore-gguf')} was built for {ours}; install a llama-cpp-python of the "
        'range that fastscore names: "pip install --force-reinstall fastscore-gguf"'
    )


def decode(context: Any, batch: Any) -> int:
    """``llama_decode`` where the native core calls it too: on a thread of the engine's own.

    ``context`` and ``batch`` are llama_cpp's. Returns llama.cpp's code, 0 for success.
    """
    _, library = load()
    address = ctypes.cast(context, ctypes.c_void_p).value
    assert address is not None, "the context was freed"
    return library.decode(address, ctypes.addressof(batch))


def take_log() -> str:
    """Warnings and errors that llama.cpp logged since the last call, as one text."""
    _, library = load()
    text = "".join([*library.take_log(), *_heard]).strip()
    _heard.clear()
    return text


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect all that llama.cpp logs meanwhile, sizes of buffers and devices in use among it.

    Python is called for every line, so nothing that is timed belongs inside. One at a time, and
    for the whole process.
    """
    api, library = load()
    lines: list[str] = []

    def on_log(level: int, text: bytes, _: Any) -> None:
        line = text.decode(errors="replace")
        lines.append(line)
        if _WARNING <= level < _CONTINUED:
            _heard.append(line)

    callback = api.llama_log_callback(on_log)
    api.llama_log_set(callback, None)
    try:
        yield lines
    finally:
        library.capture_log()


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed as a package)"


def devices() -> list[str]:
    """Names of the compute devices that llama.cpp can use here, as it reports them."""
    api, _ = load()
    info = api.llama_print_system_info().decode(errors="replace")
    names = [part.split(":")[0].strip() for part in info.split("|") if ":" in part]
    return list(dict.fromkeys(name for name in names if name))


def versions() -> dict[str, str]:
    """Versions of what takes part in a run, CPU features and backends in use."""
    _, library = load()
    return {
        "fastscore": _version("fastscore-gguf"),
        "llama-cpp-python": _version("llama-cpp-python"),
        "llama.cpp": library.version,
        "cpu_features": " ".join(_core.cpu_features()),
        "kernel": _core.kernels()[0],
        "backends": ", ".join(devices()) or "CPU",
    }
