"""Stages ``ablate@variant``, ``reseed@seed``: train a variant as long as all others."""

from __future__ import annotations

import sys

from omegaconf import OmegaConf

from benchmark import files, naming
from experiments import process
from experiments import settings as settings_of
from experiments.runs import stage
from experiments.runs.training import train_on
from experiments.settings.ablations import VARIANTS, unablated


def variant_settings(name: str) -> settings_of.Settings:
    """Return ``params.yaml`` with the changes that all variants share and those of the variant's own file.

    An ablation of the main run is undone before: variants differ from the method as its profile states it.

    Raises
    ------
    ValueError
        If there is no such variant, or what comes out are no valid settings.
    """
    path = VARIANTS / f"{name}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in VARIANTS.glob("*.yaml"))
        raise ValueError(f"ablation.variants: there is no {path}; {naming.hint(name, known)}")
    base = unablated(settings_of.load())
    shared = {"methods": {base.ablation.method: {"train": base.ablation.changes}}}
    merged = OmegaConf.merge(base.model_dump(), shared, files.read_yaml(path.read_text()) or {})
    return settings_of.parse(OmegaConf.to_container(merged), where=str(path))  # type: ignore[arg-type]


def ablate(variant: str, seed: str = "") -> None:
    """Train ``variant`` into ``results/ablation/<variant>/``.

    With a seed other than that of the settings the folder is ``results/ablation/seed_<seed>/``.
    """
    stage.start(deterministic=True)
    settings = variant_settings(variant)
    method = settings.methods[settings.ablation.method]
    folder = f"seed_{seed}" if seed else variant
    out = stage.RESULTS / "ablation" / folder
    train_on(settings, out, settings.ablation.method, method, int(seed) if seed else settings.seed)


if __name__ == "__main__":
    process.run(ablate, *sys.argv[1:])
