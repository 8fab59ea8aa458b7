"""The instrument: images, data sets, degradations, scoring, statistics, studies. Knows no method by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.scoring import score_files

__all__ = ["score_files"]


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for: reading settings must not wait for it."""
    if name in __all__:
        from benchmark import scoring

        return getattr(scoring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
