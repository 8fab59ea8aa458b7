"""Stage ``train@method``: let a method learn from pristine pictures and write down what loads it again.

A method that learns nothing is written down too, so that every later stage can depend on one folder a method.
"""

from __future__ import annotations

import os
import sys

import methods
from experiments import process
from experiments import settings as settings_of
from experiments.runs import stage
from experiments.runs.training import train_on
from experiments.settings import MethodSettings
from experiments.settings.ablations import ablations_of


def train(name: str) -> None:
    """Train method ``name`` into ``models/<name>/``."""
    settings = stage.start(deterministic=True)
    settings_of.declared(name, settings)
    method = settings.methods[name]
    together("experiments.stages.train", name, method, settings.train.processes)
    train_on(settings, stage.MODELS / name, name, method, settings.seed, ablations_of(name, settings))


def together(module: str, name: str, own: MethodSettings, processes: int) -> None:
    """Become ``torchrun`` with several processes of this stage, where settings and method have it so.

    Does not return then. Each of the processes comes here again, and goes on.
    """
    if processes == 1 or not own.train or "WORLD_SIZE" in os.environ:
        return
    if not methods.shares_batches(own.module):
        print(f"{name}: its training takes one process", file=sys.stderr)
        return
    sys.stderr.flush()
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    os.execv(sys.executable, [sys.executable, *launch, "-m", module, name])


if __name__ == "__main__":
    process.run(train, *sys.argv[1:])
