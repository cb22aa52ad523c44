"""How commands end: a message and an exit code, a traceback only for who asks.

Exit codes: 0 done; 1 something failed on the way; 2 the request cannot be met; 130 Ctrl-C.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from fastscore.errors import FastscoreError
from fastscore.reporters import say

DEBUG_VARIABLE = "FASTSCORE_DEBUG"
INTERRUPTED = 130  # 128 + SIGINT, as shells count
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def explained(debug: bool = False) -> Iterator[None]:
    """Turn errors into a message and an exit code; with ``debug``, let them pass."""
    if debug or os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
        yield
        return
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()  # else Python does so as it exits, where nobody explains a failure
    except FastscoreError as error:
        say(f"fastscore: {_readable(str(error))}")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt as stop:
        say(f"\n{stop.args[0] if stop.args else 'Stopped.'}")
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        # Who read our output has gone (`fastscore tasks | head`): nothing is left to say.
        _let_go_of_stdout()
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in _FULL:
            say(_report_of(error))
        else:
            say(f"fastscore: {error.filename or 'the output'} cannot be written: {error.strerror}")
            _let_go_of_stdout()
        raise SystemExit(1) from None
    except Exception as error:
        say(_report_of(error))
        raise SystemExit(1) from None


def _let_go_of_stdout() -> None:
    """Where stdout takes no more, keep Python from writing to it once again when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _readable(message: str) -> str:
    """Escape what a terminal would act on: a message may quote a stranger's file."""
    from fastscore.results.rows import printable

    return "\n".join(map(printable, message.splitlines()))


def _report_of(error: Exception) -> str:
    summary = f"fastscore: unexpected {type(error).__name__}: {error}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="fastscore-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return f"{summary}\nSet {DEBUG_VARIABLE}=1 to see where it happened."
    return (
        f"{summary}\nThis is a fault of fastscore. Please report it with the file {file.name} and "
        "the output of 'fastscore --version'."
    )
