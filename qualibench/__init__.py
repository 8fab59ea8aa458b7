"""The suite under one name of its own: ``qualibench.load``, ``.score_files``, ``.evaluate``.

A program that uses the suite may have a ``methods.py`` or a ``benchmark/`` of its own. The folders of these
names that lie beside this one are loaded here as ``qualibench.methods``, ``qualibench.benchmark`` and
``qualibench.experiments``, whatever else goes by the names (`qualibench.rooms`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qualibench import rooms

if TYPE_CHECKING:
    from benchmark.evaluation import evaluate
    from benchmark.metrics import QualityScore
    from benchmark.scoring import score_files
    from methods import load, names

__all__ = ["QualityScore", "evaluate", "load", "names", "score_files"]

#: Where each name is defined.
_HOMES = {
    "load": "methods",
    "names": "methods",
    "score_files": "benchmark.scoring",
    "evaluate": "benchmark.evaluation",
    "QualityScore": "benchmark.metrics",
}

rooms.open_them()


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for."""
    import importlib

    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name == "hub":
        return importlib.import_module(f"{__name__}.methods._hub")
    if name in rooms.ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
