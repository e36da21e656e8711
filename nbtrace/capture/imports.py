"""Do something with a module as soon as it has been imported: some are the user's affair to import, or not.

Enters: a module's name. Leaves: a call with the module, at once if it is there. Nothing is imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from nbtrace.faults import fault

Imported = Callable[[ModuleType], None]


class _Finder:
    """First among those that find modules: it finds none, and has itself told of those that are waited for."""

    def __init__(self) -> None:
        self.waiting: dict[str, Imported] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if name not in self.waiting:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(name, path, target)
            if spec is not None:
                self._listen(spec, name)
                return spec
        return None

    def _listen(self, spec: ModuleSpec, name: str) -> None:
        loader: Any = spec.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            execute(module)
            told = self.waiting.pop(name, None)
            if told is not None:
                _tell(told, module)

        try:
            loader.exec_module = exec_module  # of this module's loader alone: each has one of its own
        except AttributeError:
            pass


def when_imported(name: str, told: Imported) -> None:
    """Call `told` with a module once it has been imported."""
    module = sys.modules.get(name)
    if module is not None:
        _tell(told, module)
        return
    _FINDER.waiting[name] = told
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def forget_imports(names: Sequence[str]) -> None:
    """Wait for these no more."""
    for name in names:
        _FINDER.waiting.pop(name, None)
    if not _FINDER.waiting and _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


def _tell(told: Imported, module: ModuleType) -> None:
    try:
        told(module)
    except Exception:
        fault(f"listening to {module.__name__}")


_FINDER = _Finder()
