"""Stages ``ablate@variant``, ``reseed@seed``: train a variant as long as all others."""

from __future__ import annotations

import sys

from experiments import process
from experiments.runs import stage
from experiments.runs.training import train_on
from experiments.settings.ablations import variant_settings


def ablate(variant: str, seed: str = "") -> None:
    """Train ``variant`` into ``results/ablation/<variant>/``.

    With a seed other than that of the settings the folder is ``results/ablation/seed_<seed>/``.
    """
    settings = variant_settings(variant, stage.start(deterministic=True))
    method = settings.methods[settings.ablation.method]
    folder = f"seed_{seed}" if seed else variant
    out = stage.RESULTS / "ablation" / folder
    train_on(settings, out, settings.ablation.method, method, int(seed) if seed else settings.seed)


if __name__ == "__main__":
    process.run(ablate, *sys.argv[1:])
