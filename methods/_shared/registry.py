"""The folder ``methods/`` is the registry: what lies in it, and what a module there must define."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from benchmark import naming


def names() -> list[str]:
    """Names of all methods in the folder, sorted."""
    import methods

    return sorted(m.name for m in pkgutil.iter_modules(methods.__path__) if not m.name.startswith("_"))


def find(name: str) -> ModuleType:
    """Import the module of a method; a hyphen in its name is as good as an underscore.

    Raises
    ------
    ValueError
        If there is no such method, or its module lacks ``CARD`` or ``load``.
    """
    import methods  # by whatever name this package was imported

    name = name.replace("-", "_")
    if name not in names():
        raise ValueError(f"no method {name!r} in methods/; {naming.hint(name, names())}")
    module = importlib.import_module(f"{methods.__name__}.{name}")
    for part in ("CARD", "load"):
        if not hasattr(module, part):
            raise ValueError(f"methods/{name} defines no {part}; see docs/adding-a-method.md")
    return module
