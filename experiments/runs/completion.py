"""Names that a shell completes: methods, and data sets."""

from __future__ import annotations


def methods(incomplete: str) -> list[str]:
    """Published methods, and what was trained here."""
    import methods as published
    from experiments.runs.scorers import trained_here

    names = [*published.names(), *(f"trained:{name}" for name in trained_here())]
    return [name for name in names if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """Data sets that the suite can prepare."""
    from benchmark.datasets import _known

    return [name for name in _known.names() if name.startswith(incomplete)]
