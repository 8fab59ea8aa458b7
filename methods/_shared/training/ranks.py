"""Several processes as one: what each of them must know under ``torchrun``, and nothing without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from methods._shared.devices import device


@dataclass(frozen=True)
class Team:
    """The processes that train together.

    Parameters
    ----------
    rank
        Number of this process, from 0; the first writes files and speaks.
    size
        How many there are.
    device
        Where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def team() -> Iterator[Team]:
    """Join the processes that ``torchrun`` started; alone where it started none.

    Accelerators talk over NCCL, processors over Gloo.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    here = device()
    if size == 1:
        yield Team(0, 1, here)
        return
    if here.type == "cuda":
        here = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(here)
    dist.init_process_group("nccl" if here.type == "cuda" else "gloo")
    try:
        yield Team(dist.get_rank(), size, here)
    finally:
        dist.destroy_process_group()


def writes_files() -> bool:
    """Whether this process is the first, or the only one."""
    return os.environ.get("RANK", "0") == "0"
