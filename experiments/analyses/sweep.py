"""Every method's score against rising intensity of every distortion, and what a picture costs it."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd

from benchmark import naming
from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.degradations import GROUPS, LEVELS
from benchmark.robustness import sweep as run_sweep
from benchmark.scoring.cost import Cost, cost
from benchmark.scoring.journal import Journal
from experiments.analyses.subject import Subject, references_of
from experiments.runs import results


def costs(subject: Subject) -> None:
    """Count what a picture of the size in the settings costs a method: cell ``cost``."""
    size = subject.settings.cost
    about = subject.made_from("sweep", cost=size.model_dump())

    def make() -> dict[str, pd.DataFrame]:
        picture = dead_leaves(max(size.width, size.height), subject.settings.seed)
        counted = cost(subject.method, picture[None, :, : size.height, : size.width])
        counts = asdict(counted) if counted else {field.name: np.nan for field in fields(Cost)}
        row = {"method": subject.name, "width": size.width, "height": size.height, **counts}
        return {"cost": pd.DataFrame([row])}

    subject.cells.tables("cost", about, make)


def curves(subject: Subject) -> None:
    """Score pictures at every level of every kind: cell ``sweep``, tables ``curves`` and ``orders``.

    No tables of a method that would have to ask an endpoint, unless the settings name it.
    """
    asked, seed = subject.settings.sweep, subject.settings.seed
    if asked.methods is not None and subject.name not in asked.methods:
        return
    kinds = chosen(asked.kinds)
    # Where a set has no pristine pictures, the paper takes random ones for its Figure 1.
    references = results.pristine(
        results.pictured(asked.dataset, subject.settings.prepare), asked.images, drawn=seed
    )
    about = subject.made_from("sweep", references, kinds=kinds, named=asked.methods is not None)

    journal = subject.journal("sweep")

    def make() -> dict[str, pd.DataFrame]:
        if not subject.asked("sweep", asked.methods):
            return {}
        with Journal(journal, about) as book:
            how: dict[str, Any] = {"seed": seed, "journal": book, "groups": references_of(references)}
            tables = run_sweep(subject.placed, references, kinds, **how)
        return dict(zip(("curves", "orders"), tables, strict=True))

    subject.cells.tables("sweep", about, make)
    journal.unlink(missing_ok=True)


def chosen(kinds: str | list[str]) -> dict[str, list[str]]:
    """Return kinds of degradation by group; ``"all"`` is every one.

    Raises
    ------
    ValueError
        If a kind is unknown.
    """
    known = list(LEVELS)
    wanted = known if kinds == "all" else list(kinds)
    for kind in wanted:
        if kind not in known:
            raise ValueError(f"sweep.kinds: {kind!r} is not a kind; {naming.hint(kind, known)}")
    by_group: dict[str, Any] = {
        group: [kind for kind in members if kind in wanted] for group, members in GROUPS.items()
    }
    return {group: members for group, members in by_group.items() if members}
