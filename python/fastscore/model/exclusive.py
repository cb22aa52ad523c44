"""One run at a time on a model."""

from __future__ import annotations

import threading
from types import TracebackType

from fastscore.errors import DecodeError, UsageError


class Exclusive:
    """A lock that makes other threads wait and refuses the thread that holds it already.

    The memory of a context belongs to the run that is under way. Runs of two threads take turns;
    two runs interleaved by one thread would wait for each other for ever. ``engine_failed``
    says whether the engine failed a run; whoever gives the next one other memory resets it.
    """

    def __init__(self) -> None:
        self.engine_failed = False
        self._lock = threading.Lock()
        self._owner: int | None = None

    def refuse_owner(self) -> None:
        """Raise UsageError in the thread that holds it: waiting for another's run would not end."""
        if self._owner == threading.get_ident():
            raise UsageError(
                "a run of this model is under way; finish iterating it first, "
                "or open the model a second time"
            )

    def __enter__(self) -> None:
        self.refuse_owner()
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, DecodeError):
            self.engine_failed = True
        self._owner = None
        self._lock.release()
