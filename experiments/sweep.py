"""Stage ``sweep``: every method's score against rising intensity of every distortion."""

from __future__ import annotations

from benchmark.robustness import sweep as run_sweep
from experiments import results, stage
from experiments.train import load_trained


def sweep() -> None:
    """Write ``sweep.csv`` and ``sweep_order.csv``."""
    settings = stage.start()
    _, references = results.pristine(settings.sweep.dataset, settings.sweep.images)
    tables = [run_sweep(load_trained(name), references, seed=settings.seed) for name in settings.methods]
    curves, orders = zip(*tables, strict=True)
    stage.write_tidy(curves, ["method", "group", "distortion", "level"], stage.TABLES / "sweep.csv")
    stage.write_tidy(orders, ["method", "group", "distortion"], stage.TABLES / "sweep_order.csv")


if __name__ == "__main__":
    stage.run(sweep)
