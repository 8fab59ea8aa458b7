"""Write ``params.yaml`` as Hydra composes it from ``experiments/``, as ``dvc exp run`` does by itself."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import methods
from experiments import stage
from experiments.settings import PARAMS, Settings, parse


def composed(*overrides: str) -> str:
    """Return the composed settings as YAML; ``overrides`` as for Hydra, e.g. ``profile=paper``."""
    with initialize_config_dir(str(Path(__file__).parent), version_base=None):
        config = compose("config", overrides=list(overrides))
    parse(OmegaConf.to_container(config, resolve=True), "experiments/")  # type: ignore[arg-type]
    return OmegaConf.to_yaml(config, resolve=True)


def profile_settings(name: str) -> Settings:
    """Return the settings of a profile.

    Raises
    ------
    ValueError
        If there is no such profile.
    """
    folder = Path(__file__).parent / "profile"
    known = sorted(path.stem for path in folder.glob("[!_]*.yaml"))
    if name not in known:
        raise ValueError(f"no profile {name!r} in experiments/profile/; {methods.hint(name, known)}")
    return parse(yaml.safe_load(composed(f"profile={name}")), f"profile {name}")


def write(*overrides: str) -> None:
    """Compose, check and write."""
    stage.write_text(PARAMS, composed(*overrides))


if __name__ == "__main__":
    stage.run(write, *sys.argv[1:])
