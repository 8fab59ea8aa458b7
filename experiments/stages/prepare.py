"""Stage ``prepare@dataset``: make or fetch a data set and write its manifest."""

from __future__ import annotations

import sys

from benchmark.datasets import making
from experiments import process
from experiments import settings as settings_of
from experiments.runs import stage
from experiments.settings.foreseen import check_work


def prepare(name: str) -> None:
    """Prepare data set ``name`` below ``data/``; the first stage, so it checks all settings."""
    settings = stage.start()
    check_work(settings)
    making.prepare(name, stage.DATA, **settings_of.declared_dataset(name, settings))


if __name__ == "__main__":
    process.run(prepare, *sys.argv[1:])
