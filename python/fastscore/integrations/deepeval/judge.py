"""What both of DeepEval's interfaces to a model rest on: an assistant that many ask at a time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from fastscore.assistant import Assistant, Gatherer
from fastscore.closing import Closing
from fastscore.model import Model

_log = logging.getLogger(__name__)
_TELEMETRY = ("DEEPEVAL_TELEMETRY_OPT_OUT", "DEEPEVAL_TELEMETRY_ENABLED")

Answer = TypeVar("Answer")


class Judge(Closing):
    """An assistant, opened here or the caller's, with a gatherer in front of it."""

    name: str | None
    """The model's name; set by DeepEval's constructor."""
    model: Any
    """The assistant; set by DeepEval's constructor."""

    def _open(self, model: str | Path | Model | Assistant, options: Mapping[str, Any]) -> None:
        """Make the assistant; ``options`` that are None are left to it."""
        given = {name: value for name, value in options.items() if value is not None}
        self._gatherer = Gatherer(model, **given)
        self._assistant = self._gatherer.assistant
        self._alone = threading.Lock()
        _end_telemetry()

    def load_model(self) -> Assistant:
        """Return the assistant, which the constructor opened."""
        return self._assistant

    def get_model_name(self) -> str:
        """Return what DeepEval shows as the judge."""
        return f"{self._assistant.name} (fastscore)"

    def _now(
        self, directly: Callable[[Assistant], Answer], gathered: Callable[[], Answer]
    ) -> Answer:
        """Ask without waiting for others where no thread is asking, else together with them."""
        if not self._alone.acquire(blocking=False):
            return gathered()
        try:
            return directly(self._assistant)
        finally:
            self._alone.release()

    def close(self) -> None:
        """Answer no more, and free the model unless the caller made or opened it."""
        self._gatherer.close()


def _end_telemetry() -> None:
    """Switch DeepEval's telemetry off where neither the user nor a .env file decided on it.

    DeepEval looks at the variable before each event; .env files were read at its import.
    """
    if not any(name in os.environ for name in _TELEMETRY):
        os.environ[_TELEMETRY[0]] = "1"
        _log.info("DeepEval's telemetry is switched off; set %s=0 to keep it", _TELEMETRY[0])
