"""Stage ``sweep``: every method's score against rising intensity of every distortion, and its cost.

Both need every method loaded, which takes longer than counting what a picture costs.
"""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from benchmark.cost import cost
from benchmark.dead_leaves import dead_leaves
from benchmark.robustness import sweep as run_sweep
from experiments import present, results, stage
from experiments.train import load_trained


def sweep() -> None:
    """Write ``sweep.csv``, ``sweep_order.csv`` and ``cost.csv``."""
    settings = present.narrowed(stage.start())
    methods = {name: load_trained(name) for name in settings.methods}
    _, references = results.pristine(settings.sweep.dataset, settings.sweep.images)
    tables = [run_sweep(method, references, seed=settings.seed) for method in methods.values()]
    curves, orders = zip(*tables, strict=True)
    stage.write_tidy(curves, ["method", "group", "distortion", "level"], stage.TABLES / "sweep.csv")
    stage.write_tidy(orders, ["method", "group", "distortion"], stage.TABLES / "sweep_order.csv")

    width, height = settings.cost.width, settings.cost.height
    picture = dead_leaves(max(width, height), settings.seed)[None, :, :height, :width]
    rows = [
        {"method": name, "width": width, "height": height, **asdict(cost(method, picture))}
        for name, method in methods.items()
    ]
    stage.write_csv(pd.DataFrame(rows), stage.TABLES / "cost.csv")


if __name__ == "__main__":
    stage.run(sweep)
