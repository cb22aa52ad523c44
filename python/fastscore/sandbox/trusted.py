"""The import system of trusted code. Runs inside a judging process, never inside fastscore.

A program may change any module it can import, in place. So the tests get twins: each module of the
standard library that they use is executed once more, with builtins that no program can reach, and
known only to the ``Importer``. C modules hold no Python that could be changed; a copy of their
names is enough.

This file is compiled under the name "<tests>", which hides it from programs as it hides the tests.
"""

from __future__ import annotations

import _frozen_importlib
import _imp
import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, ModuleType
    from typing import Any

_bootstrap: Any = _frozen_importlib
_loading: Any = _imp


class Importer:
    """Takes the place of ``__import__`` in trusted code."""

    def __init__(self, trusted_builtins: dict[str, Any]) -> None:
        self.builtins = trusted_builtins
        self.is_closed = False  # once a program runs, its import system is not to be trusted
        self.modules: dict[str, ModuleType] = {}
        self._add_copy(sys).__dict__["modules"] = self.modules
        self._add_copy(builtins).__dict__.update(trusted_builtins)

    def __call__(
        self,
        name: str,
        globals: dict[str, Any] | None = None,  # noqa: A002
        locals: dict[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as the statement asks for it."""
        if level and globals:
            package = globals["__package__"].rsplit(".", level - 1)[0]
            name = f"{package}.{name}" if name else package
        module = self.load(name)
        if not fromlist:
            return self.modules[name.partition(".")[0]]
        for item in fromlist:
            if item not in module.__dict__ and item != "*" and "__path__" in module.__dict__:
                try:  # noqa: SIM105 - this must not import contextlib
                    self.load(f"{name}.{item}")
                except ImportError:
                    pass  # the import statement reports what is missing in its own words
        return module

    def load(self, name: str) -> ModuleType:
        """The twin of module ``name``; ImportError where there is none."""
        if name in self.modules:
            return self.modules[name]
        parent, _, tail = name.rpartition(".")
        path = self.load(parent).__path__ if parent else None
        if name in self.modules:
            return self.modules[name]
        spec = None if self.is_closed else _bootstrap._find_spec(name, path)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        get_code = getattr(spec.loader, "get_code", None)
        code: CodeType | None = get_code(name) if get_code else None
        if code is None:
            module = self._add_copy(_bootstrap._gcd_import(name))
        else:
            _loading._fix_co_filename(code, __file__)
            module = _bootstrap.module_from_spec(spec)
            module.__dict__["__builtins__"] = self.builtins
            self.modules[name] = module
            try:
                exec(code, module.__dict__)
            except BaseException:
                del self.modules[name]
                raise
            module = self.modules[name]
        if parent:
            setattr(self.modules[parent], tail, module)
        return module

    def reset_chance(self) -> None:
        """Let the next random numbers be those of every other time."""
        if "random" in self.modules:
            self.modules["random"].__dict__["seed"](0)

    def _add_copy(self, module: ModuleType) -> ModuleType:
        copy = type(sys)(module.__name__)
        copy.__dict__.update(module.__dict__)
        self.modules[module.__name__] = copy
        return copy


def call(function: Callable[..., None], *arguments: object) -> None:
    """Call on behalf of the worker: what a program sees of its callers ends here."""
    function(*arguments)
