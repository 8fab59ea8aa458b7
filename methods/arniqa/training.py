"""ARNIQA's training: different pictures degraded alike attract, and one picture at two scales repels.

Reads from top to bottom: settings, learning rate, the loop. Every draw comes from the seed and the position
in the run, so a run that was killed goes on where it was, bit by bit on a processor.
"""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from methods._shared.arniqa.encoder import Encoder, build, load_encoder, save_encoder, start
from methods._shared.devices import device, in_bf16
from methods._shared.training.loop import (
    Checkpoint,
    by_processes,
    by_threads,
    check_pictures,
    identity,
    processes_of,
)
from methods.arniqa.loss import nt_xent
from methods.arniqa.pairs import Draw, Feed

#: What a step rests on: a state of other code is not taken up.
CODE = (
    "methods.arniqa",
    "methods._shared.arniqa",
    "methods._shared.training",
    "benchmark.degradations",
    "benchmark.images",
)
COLUMNS = ["step", "lr", "loss", "matched"]


class Training(BaseModel):
    """Settings of the training; the defaults are those of the published code."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    #: What a step learns does not depend on these.
    aside: ClassVar = {"processes", "cache", "log_every", "checkpoint_every", "keep"}

    backbone: Literal["small", "resnet18", "resnet34", "resnet50"] = "resnet50"
    pretrained: str | None = Field("imagenet", description="or a file of torchvision; null: random weights")
    embedding: int = Field(128, ge=2, description="length of the projections")
    epochs: float = Field(10, ge=0)
    batch: int = Field(16, ge=2, description="pairs of pictures a step; each picture at two scales")
    crop: int = Field(224, ge=32)
    distortions: int = Field(4, ge=1, le=7, description="largest number composed")
    levels: int = Field(5, ge=1, le=5)
    pristine: float = Field(0.05, ge=0, le=1, description="probability that a pair is left as it is")
    temperature: float = Field(0.1, gt=0)
    lr: float = Field(1e-3, gt=0)
    lr_least: float = Field(1e-6, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)
    keep: Literal["cycle", "last"] = Field(
        "cycle", description="weights at the end of the last whole cycle of the rate, or the last ones"
    )
    bf16: bool | None = Field(
        None, description="products in bf16; null: where the device has arithmetic for it, else fp32"
    )
    processes: int | None = Field(
        None, ge=0, description="processes that decode and degrade; null: 0 for a CPU, else cores but two"
    )
    cache: int = Field(256, ge=0, description="decoded pictures kept in memory")
    log_every: int = Field(10, ge=1)
    checkpoint_every: int = Field(500, ge=1)


def learning_rate(epoch: float, settings: Training) -> float:
    """Half a cosine from ``lr`` to ``lr_least``, restarted after 1, 3, 7, ... epochs."""
    cycle = cycle_at(epoch)
    done = (epoch + 1 - 2**cycle) / 2**cycle
    return settings.lr_least + (settings.lr - settings.lr_least) * (1 + math.cos(math.pi * done)) / 2


def cycle_at(epoch: float) -> int:
    """Return the cycle of the rate that an epoch lies in: 0, 1, 2, ... of 1, 2, 4, ... epochs."""
    return math.floor(math.log2(epoch + 1))


def snapshot(out: Path, cycle: int) -> Path:
    """Return where the encoder as it was at the end of a cycle lies until the result is written."""
    return out.with_name(f"{out.name}.cycle_{cycle}.partial")


def snapshots(out: Path, settings: Training) -> dict[int, Path]:
    """Snapshots of a run into ``out``, by the epochs after which they were taken."""
    whole = range(cycle_at(settings.epochs))
    return {2 ** (cycle + 1) - 1: snapshot(out, cycle) for cycle in whole if snapshot(out, cycle).is_file()}


def train_encoder(
    pictures: Sequence[Path], out: Path, *, seed: int, settings: Training
) -> tuple[Encoder, pd.DataFrame]:
    """Train the encoder.

    Parameters
    ----------
    pictures
        Pristine pictures.
    out
        Folder of the result; a checkpoint is kept beside it while the training lasts.
    seed
        Seed of the initial weights and of every draw.
    settings
        See :class:`Training`.

    Returns
    -------
    Encoder
        The weights at the end of the last whole cycle of the learning rate, where it is least; the last ones
        where ``keep`` says so or no cycle was completed. The paper reports the best on the validation splits
        of six rated data sets; here nothing rated by people takes part in choosing them.
    DataFrame
        One row a logged step; ``matched`` is the share of projections whose nearest is their partner.

    Raises
    ------
    ValueError
        If there are no pictures, some cannot be read, a checkpoint is of another run, or the loss is no
        longer finite.
    """
    if not pictures:
        raise ValueError("no pictures to train on; check the data set that `train.pictures` names")
    here = device()
    encoder = build(settings.backbone, seed, settings.embedding)
    if settings.pretrained is not None:
        start(encoder, settings.backbone, settings.pretrained)
    if settings.epochs:
        check_pictures(pictures)
    encoder = encoder.to(here).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(
        encoder.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
    )
    parts: dict[str, torch.nn.Module | torch.optim.Optimizer] = {"model": encoder, "optimizer": optimizer}
    settings = settings.model_copy(update={"bf16": in_bf16(settings.bf16, here)})
    run = identity(pictures, seed, settings.model_dump(exclude=settings.aside), *CODE)
    checkpoint = Checkpoint(out, run, parts)
    first, rows = checkpoint.restore()
    steps = round(settings.epochs * len(pictures) / settings.batch)
    with closing(pairs(pictures, first, steps, seed, settings, here)) as sides:
        progress = tqdm(sides, initial=first, total=steps, desc="train", mininterval=5, disable=None)
        for step, (a, b) in enumerate(progress, start=first):
            rate = learning_rate(step * settings.batch / len(pictures), settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            figures = train_step(encoder, optimizer, a, b, settings)
            if not math.isfinite(figures["loss"]):
                raise ValueError(
                    f"the loss is {figures['loss']} at step {step}; lower `lr` (now {settings.lr})"
                )
            if step % settings.log_every == 0 or step + 1 == steps:
                rows.append({"step": step, "lr": rate, **figures})
            # Before the state: a run that is killed between the two takes the step again.
            cycle = cycle_at(step * settings.batch / len(pictures))
            if cycle_at((step + 1) * settings.batch / len(pictures)) > cycle:
                save_encoder(encoder, snapshot(out, cycle))
            if (step + 1) % settings.checkpoint_every == 0:
                checkpoint.save(step + 1, rows)
    checkpoint.check()
    kept = snapshots(out, settings)
    if settings.keep == "cycle" and kept:
        encoder = load_encoder(kept[max(kept)])
    return encoder.cpu().eval(), pd.DataFrame(rows, columns=COLUMNS)


def pairs(
    pictures: Sequence[Path], first: int, steps: int, seed: int, settings: Training, device: torch.device
) -> Generator[list[torch.Tensor], None, None]:
    """Yield the two sides of each step from ``first`` on; ``processes`` make them, or threads of this one."""
    draw = Draw(settings.crop, settings.distortions, settings.levels, settings.pristine)
    feed = Feed([str(path) for path in pictures], settings.batch, seed, draw, cache=settings.cache)
    processes = processes_of(settings.processes, device, feed.step_bytes)
    if processes and first < steps:
        feed = replace(feed, cache=settings.cache // processes)
        yield from by_processes(feed, first, steps, processes, device)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from by_threads(lambda step: feed(step, pool), first, steps, device)


def train_step(
    encoder: Encoder, optimizer: torch.optim.Optimizer, a: torch.Tensor, b: torch.Tensor, settings: Training
) -> dict[str, float]:
    """Take one step on two sides ``[2 N, 3, c, c]``; returns the loss and the share matched.

    As in the reference the two sides pass one after the other, each with the batch statistics of its own.
    """
    with torch.autocast(a.device.type, dtype=torch.bfloat16, enabled=in_bf16(settings.bf16, a.device)):
        sides = [encoder.project(side.contiguous(memory_format=torch.channels_last)) for side in (a, b)]
    loss = nt_xent(sides[0], sides[1], settings.temperature)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        rows = torch.cat(sides)
        cosines = (rows @ rows.T).fill_diagonal_(-2)
        partner = torch.arange(len(rows), device=rows.device).roll(len(a))
        matched = (cosines.argmax(1) == partner).float().mean()
    return {"loss": float(loss.detach()), "matched": float(matched)}
