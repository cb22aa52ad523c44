"""The native part of fastscore.sandbox; loaded by its judging processes alone."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

_Limits = tuple[float, float, int, int, int, int]

def trusted_builtins() -> dict[str, Any]: ...
def install(
    builtins: dict[str, Any],
    importer: Callable[..., ModuleType],
    confirm: Callable[..., None],
    public_classes: dict[str, type],
    private_classes: dict[str, type],
) -> None: ...
def judge_once(request_fd: int, answer_fd: int) -> NoReturn: ...
def enter_jail(directories: list[str], hidden: list[str], limits: _Limits) -> None: ...
def serve(channel: int, limits: _Limits) -> None: ...
