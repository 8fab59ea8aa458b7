"""Stage ``sweep``: every method's score against rising intensity of every distortion, and its cost.

Both need every method loaded, which takes longer than counting what a picture costs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from benchmark.cost import cost
from benchmark.datasets.prepared import Pictures
from benchmark.dead_leaves import dead_leaves
from benchmark.degradations import GROUPS
from benchmark.method import Method
from benchmark.robustness import sweep as run_sweep
from experiments import present, results, signing, stage
from experiments.closure import closure
from experiments.partial import Partial
from experiments.scoring_run import Placed
from experiments.settings import Settings
from experiments.trained import load_trained
from methods import hint

ORDER = ["method", "group", "distortion"]


def sweep() -> None:
    """Write ``sweep.csv``, ``sweep_order.csv`` and ``cost.csv``."""
    settings = present.narrowed(stage.start())
    own = settings.sweep
    # Where a set has no pristine pictures, the paper takes random ones for its Figure 1.
    references = results.pristine(
        results.pictured(own.dataset, settings.prepare), own.images, drawn=settings.seed
    )
    kinds = chosen(own.kinds)
    partial = Partial(stage.RESULTS / "sweep.part.npz", fingerprint(settings, references))
    methods = {name: load_trained(name) for name in settings.methods}
    made: dict[str, Any] = {"about": results.abouts(settings.methods), "dataset": own.dataset}
    size = {"width": settings.cost.width, "height": settings.cost.height}
    costs(methods, made["about"], **size, seed=settings.seed)  # counted on the CPU, before they leave it

    placed = [Placed(method) for method in methods.values()]
    curves, orders = run_sweep(placed, references, kinds, seed=settings.seed, partial=partial)
    signing.write_tidy([curves], [*ORDER, "level"], stage.TABLES / "sweep.csv", **made)
    signing.write_tidy([orders], ORDER, stage.TABLES / "sweep_order.csv", **made)
    partial.remove()


def fingerprint(settings: Settings, references: Pictures) -> str:
    """Digest of all that the scores of the sweep depend on."""
    models = [stage.MODELS / name / "method.json" for name in settings.methods]
    parts = [
        *(stage.sha256([path]) for path in models),
        stage.sha256(closure("experiments.sweep")),
        stage.stamp(references.data.root / name for name in references.names),
        repr((references.names, settings.seed, settings.sweep)),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def costs(
    methods: Mapping[str, Method], about: Mapping[str, Any], *, width: int, height: int, seed: int
) -> None:
    """Write ``cost.csv``: what a picture of this size costs each method."""
    picture = dead_leaves(max(width, height), seed)[None, :, :height, :width]
    rows = [
        {
            **{"method": name, "width": width, "height": height, **asdict(cost(method, picture))},
            "signature": f"method={results.version(about[name])[:12]}",
        }
        for name, method in methods.items()
    ]
    stage.write_csv(pd.DataFrame(rows), stage.TABLES / "cost.csv")


def chosen(kinds: str | list[str]) -> dict[str, list[str]]:
    """Return kinds of degradation by group; ``"all"`` is every one.

    Raises
    ------
    ValueError
        If a kind is unknown.
    """
    known = [kind for members in GROUPS.values() for kind in members]
    wanted = known if kinds == "all" else list(kinds)
    for kind in wanted:
        if kind not in known:
            raise ValueError(f"sweep.kinds: {kind!r} is no kind; {hint(kind, known)}")
    by_group = {group: [kind for kind in members if kind in wanted] for group, members in GROUPS.items()}
    return {group: members for group, members in by_group.items() if members}


if __name__ == "__main__":
    stage.run(sweep)
