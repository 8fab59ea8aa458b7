"""Stage ``variants@dataset``: score a data set with every variant of the ablation, and with every seed."""

from __future__ import annotations

import shutil
import sys

from experiments import process
from experiments.runs import available, results, stage
from experiments.scoring.dataset import Model, score_into


def variants(dataset: str) -> None:
    """Write ``results/variants/<dataset>/<variant>.csv``."""
    settings = available.narrowed(stage.start())
    data = results.pictured(dataset, settings.prepare)
    # Not below `results.VARIANTS`: DVC empties that before the stage begins again.
    journals = stage.RESULTS / f"variants-{dataset}.part"
    for name in results.trained(settings.ablation):
        out, journal = results.VARIANTS / dataset / f"{name}.csv", journals / f"{name}.part"
        score_into(out, journal, Model(results.ABLATED / name), data, settings.score)
    shutil.rmtree(journals, ignore_errors=True)


if __name__ == "__main__":
    process.run(variants, *sys.argv[1:])
