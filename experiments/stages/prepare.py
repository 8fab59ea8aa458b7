"""Stage ``prepare@dataset``: make or fetch a data set and write its manifest."""

from __future__ import annotations

import sys

from benchmark.datasets import making
from experiments import process
from experiments import settings as settings_of
from experiments.runs import stage


def prepare(name: str) -> None:
    """Prepare data set ``name`` below ``data/``; the first stage, so it checks all settings."""
    settings = stage.start()
    settings_of.check_methods(settings)
    making.prepare(name, stage.DATA, **settings_of.declared_dataset(name, settings))


if __name__ == "__main__":
    process.run(prepare, *sys.argv[1:])
