"""The script of a judging process; see strong.py and weak.py for how it is started.

    python -s -S -B judge.py NATIVE serve CHANNEL LIMITS...   in a jail, many programs
    python -s -S -B judge.py NATIVE once LIMITS...            one, from stdin to stdout

NATIVE is the path of fastscore._sandbox. Nothing else of fastscore is imported, and a program finds
neither this script nor the native module.
"""

from __future__ import annotations

import sys

sys.path.pop(0)  # the directory of this script: its files must not be taken for modules

import importlib.machinery
import importlib.util
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

# What programs often import: paid for once, before the first program. Each judging process starts
# from this state, so a program finds them untouched.
PUBLIC = (
    *("array", "bisect", "cmath", "collections", "collections.abc", "copy", "datetime", "decimal"),
    *("enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math"),
    *("numbers", "operator", "os", "random", "re", "statistics", "string", "sys", "time"),
    *("types", "typing"),
)

# Extension modules with libraries of their own, which cannot be found any more inside the jail.
EXTENSIONS = ("_bz2", "_lzma", "_sqlite3", "_uuid", "pyexpat", "zlib")

# What trusted code uses beyond its own imports.
PRIVATE = ("array", "collections", "datetime", "decimal", "fractions", "random", "_strptime")


def main(native: str, mode: str, *arguments: str) -> None:
    """Prepare this process and judge; returns when there is nothing more to judge."""
    sandbox = _load_native(native)
    for name in PUBLIC + EXTENSIONS:
        try:
            importlib.import_module(name)
        except ImportError:
            if name in PUBLIC:
                raise
    call = _install(sandbox)
    _forget()
    if mode == "once":
        requests, answers = _private_streams()
        _limit(*map(int, arguments))
        os.write(answers, b"+")  # from now on it is the program that takes time
        call(sandbox.judge_once, requests, answers)
    else:
        _serve(sandbox, call, *arguments)


def _load_native(path: str) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader("_sandbox", path)
    spec = importlib.util.spec_from_file_location("_sandbox", path, loader=loader)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _install(sandbox: ModuleType) -> Callable[..., None]:
    """Set up trusted code; the function through which all of it is called."""
    builtins = sandbox.trusted_builtins()
    trusted = _run_trusted("trusted", builtins)
    importer = trusted["Importer"](builtins)
    for name in PRIVATE:
        importer.load(name)

    def classes(load: Callable[[str], Any]) -> dict[str, type]:
        return {
            "Counter": load("collections").Counter,
            "Fraction": load("fractions").Fraction,
        }

    replay = _run_trusted("replay", {**builtins, "__import__": importer})
    sandbox.install(
        *(builtins, importer, replay["confirm"]),
        *(classes(importlib.import_module), classes(importer.load)),
    )
    call: Callable[..., None] = trusted["call"]
    return call


def _run_trusted(name: str, builtins: dict[str, Any]) -> dict[str, Any]:
    """The globals of a file beside this one, run as trusted code."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), "<tests>", "exec")
    scope = {"__builtins__": builtins, "__name__": name, "__file__": "<tests>"}
    exec(code, scope)
    return scope


def _forget() -> None:
    """Leave nothing for a program to find: no arguments, no environment, no script."""
    import gc

    sys.argv[:] = [""]
    sys.orig_argv[:] = [""]
    os.environ.clear()
    sys.modules.pop("_sandbox", None)
    sys.modules["__main__"] = type(sys)("__main__")
    gc.collect()
    gc.disable()
    gc.freeze()


def _private_streams() -> tuple[int, int]:
    """Move standard input and output out of the way of the program, which gets empty ones."""
    requests, answers = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(empty, stream)
    os.close(empty)
    return requests, answers


def _limit(cpu_seconds: int, memory: int, file: int, open_files: int) -> None:
    """Set what limits this system has, in seconds and bytes; others watch as well."""
    try:
        import resource
    except ImportError:  # Windows
        return
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    limits = {
        "RLIMIT_CPU": used + cpu_seconds,
        "RLIMIT_AS": memory,
        "RLIMIT_FSIZE": file,
        "RLIMIT_NOFILE": open_files,
        "RLIMIT_CORE": 0,
    }
    for name, limit in limits.items():
        kind = getattr(resource, name)
        allowed = resource.getrlimit(kind)[1]
        if allowed != resource.RLIM_INFINITY:
            limit = min(limit, allowed)
        try:
            resource.setrlimit(kind, (limit, limit))
        except (OSError, ValueError):
            continue  # macOS knows limits that it does not set


def _serve(
    sandbox: ModuleType,
    call: Callable[..., None],
    channel: str,
    cpu: str,
    wall: str,
    *whole: str,
) -> None:
    import signal
    import struct

    # The interpreter's own handler would end the worker on a Ctrl-C meant for the caller.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits = (float(cpu), float(wall), *map(int, whole))
    shown, hidden = _directories()
    try:
        sandbox.enter_jail(shown, hidden, limits)
    except OSError as error:
        step = str(error.strerror).encode()
        os.write(int(channel), struct.pack("<II", error.errno, len(step)) + step)
        return
    os.write(int(channel), struct.pack("<II", 0, 0))
    call(sandbox.serve, int(channel), limits)


def _directories() -> tuple[list[str], list[str]]:
    """What the jail shows: the standard library; and what of it appears empty: other packages."""
    shown: list[str] = []
    for path in sorted(path for path in sys.path if os.path.isdir(path)):
        if not any(path.startswith(other + os.sep) for other in shown):
            shown.append(path)
    hidden = [
        os.path.join(path, name)
        for path in shown
        for name in ("site-packages", "dist-packages")
        if os.path.isdir(os.path.join(path, name))
    ]
    return shown, hidden


main(*sys.argv[1:])
