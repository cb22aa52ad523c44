"""What a program of the weak level runs in; a script, so that nothing of fastscore is loaded.

Arguments: the file of the extension module that judges, the limits as JSON. The request comes by
standard input and the answer leaves by standard output, both out of the program's sight.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

READY = b"+"
MIB = 1 << 20


def main() -> None:
    """Judge one program."""
    judge_file, limits = sys.argv[1], json.loads(sys.argv[2])
    sys.argv[:] = [""]
    os.environ.clear()  # of what the start itself has put there
    request, answer = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    judge = _load(judge_file)
    _confine(limits)
    os.write(answer, READY)
    judge.run(request, answer)


def _load(path: str) -> Any:
    from importlib.machinery import ExtensionFileLoader
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("_sandbox", path, loader=ExtensionFileLoader("_sandbox", path))
    assert spec is not None
    module = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


def _confine(limits: dict[str, Any]) -> None:
    """Set what limits the system has; the keeper sees to all of them from outside."""
    if sys.platform == "win32":
        return
    import resource

    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    seconds = math.ceil(used + limits["cpu_seconds"]) + 1
    bounds = {
        "RLIMIT_CPU": (seconds, seconds + 1),
        "RLIMIT_AS": (limits["memory_mb"] * MIB,) * 2,
        "RLIMIT_FSIZE": (limits["file_mb"] * MIB,) * 2,
        "RLIMIT_NOFILE": (limits["open_files"],) * 2,
        "RLIMIT_CORE": (0, 0),
    }
    for name, (soft, hard) in bounds.items():
        kind = getattr(resource, name)
        _, allowed = resource.getrlimit(kind)
        if allowed != resource.RLIM_INFINITY:
            soft, hard = min(soft, allowed), min(hard, allowed)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            continue  # macOS knows limits that it does not set


if __name__ == "__main__":
    main()
