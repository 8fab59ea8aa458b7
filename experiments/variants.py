"""Stage ``variants@dataset``: score a data set with every variant of the ablation, and with every seed."""

from __future__ import annotations

import shutil
import sys

from experiments import present, results, stage
from experiments.score import score_into
from experiments.settings import Ablation

MODELS, SCORES = stage.RESULTS / "ablation", stage.RESULTS / "variants"
#: The variant that the others are compared with, and that further seeds train again.
BASE = "full"


def variants(dataset: str) -> None:
    """Write ``results/variants/<dataset>/<variant>.csv``."""
    settings = present.narrowed(stage.start())
    data = results.pictured(dataset, settings.prepare)
    # Not below `SCORES`: DVC empties that before the stage begins again.
    journals = stage.RESULTS / f"variants-{dataset}.part"
    for name in trained(settings.ablation):
        score_into(
            SCORES / dataset / f"{name}.csv", journals / f"{name}.part", MODELS / name, data, settings.score
        )
    shutil.rmtree(journals, ignore_errors=True)


def trained(settings: Ablation) -> list[str]:
    """Names of the folders that `ablate` and `reseed` leave: the variants, then the base's further seeds."""
    seeds = [f"seed_{seed}" for seed in settings.seeds] if BASE in settings.variants else []
    return [*settings.variants, *seeds]


if __name__ == "__main__":
    stage.run(variants, *sys.argv[1:])
