"""Write ``params.yaml`` as Hydra composes it from ``experiments/``, as ``dvc exp run`` does by itself."""

from __future__ import annotations

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from benchmark import files, naming
from experiments import process
from experiments.settings import PARAMS, Settings, parse

#: Hydra's groups: ``profile/``, ``ablation/``, and what was written by hand.
GROUPS = Path(__file__).parents[1]


def composed(*overrides: str) -> str:
    """Return the composed settings as YAML; ``overrides`` as for Hydra, e.g. ``profile=paper``."""
    with initialize_config_dir(str(GROUPS), version_base=None):
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
    _check("profile", name)
    return parse(files.read_yaml(composed(f"profile={name}")), f"profile {name}")


def check_ablation(name: str) -> None:
    """Make sure that there is such an ablation.

    Raises
    ------
    ValueError
        If there is none.
    """
    _check("ablation", name)


def _check(group: str, name: str) -> None:
    known = sorted(path.stem for path in (GROUPS / group).glob("[!_]*.yaml"))
    if name not in known:
        raise ValueError(f"no {group} {name!r} in experiments/{group}/; {naming.hint(name, known)}")


def write(*overrides: str) -> None:
    """Compose, check and write."""
    files.write_text(PARAMS, composed(*overrides))


if __name__ == "__main__":
    process.run(write, *sys.argv[1:])
