"""One run at a time on a model."""

from __future__ import annotations

import threading

from fastscore.errors import UsageError


class Exclusive:
    """A lock that makes other threads wait and refuses the thread that holds it already.

    The memory of a context belongs to the run that is under way. Runs of two threads take turns;
    two runs interleaved by one thread would wait for each other for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner == me:
            raise UsageError(
                "a run of this model is under way; finish iterating it first, "
                "or open the model a second time"
            )
        self._lock.acquire()
        self._owner = me

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()
