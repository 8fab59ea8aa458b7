"""Write ``params.yaml`` as Hydra composes it from ``experiments/``, as ``dvc exp run`` does by itself."""

from __future__ import annotations

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from experiments import stage
from experiments.settings import PARAMS, parse


def composed(*overrides: str) -> str:
    """Return the composed settings as YAML; ``overrides`` as for Hydra, e.g. ``profile=paper``."""
    with initialize_config_dir(str(Path(__file__).parent), version_base=None):
        config = compose("config", overrides=list(overrides))
    parse(OmegaConf.to_container(config, resolve=True), "experiments/")  # type: ignore[arg-type]
    return OmegaConf.to_yaml(config, resolve=True)


def write(*overrides: str) -> None:
    """Compose, check and write."""
    stage.write_text(PARAMS, composed(*overrides))


if __name__ == "__main__":
    stage.run(write, *sys.argv[1:])
