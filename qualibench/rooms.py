"""The suite's folders as parts of this package: found beside it, and finding one another here.

Their code says ``from benchmark import images``, as everybody does who works in the repository. An import
statement asks ``__import__`` of the builtins that its module was given; modules that are loaded here are
given one that looks for the suite's own names in this package.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

#: Folders beside this package.
ROOMS = ("benchmark", "methods", "experiments")
HERE = "qualibench"


def open_them() -> None:
    """Let ``qualibench.benchmark`` and its like be imported."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the rooms beside this package, and what lies in them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != HERE or name.partition(".")[0] not in ROOMS:
            return None
        top = [str(Path(__file__).parents[1])]
        spec = PathFinder.find_spec(fullname, top if name in ROOMS else path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Runs a module with builtins whose ``__import__`` is `_import`."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """Import as Python does, a room from this package."""
    room = name.partition(".")[0]
    if level or room not in ROOMS:
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    found = builtins.__import__(f"{HERE}.{name}", globals, locals, fromlist or ())
    # Without names to take, `__import__` gives the outermost package, which here is one further out.
    return found if fromlist else getattr(found, room)
