"""The instrument: images, data sets, degradations, scoring, statistics, studies. Knows no method by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.evaluation import evaluate
    from benchmark.scoring import score_files

__all__ = ["evaluate", "score_files"]


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for: reading settings must not wait for it."""
    if name == "score_files":
        from benchmark.scoring import score_files

        return score_files
    if name == "evaluate":
        from benchmark.evaluation import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
