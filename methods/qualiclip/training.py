"""QualiCLIP's training: crops are degraded at rising levels, the image encoder learns their order.

Reads from top to bottom: settings, one step, the loop. The text tower is frozen, so its prompt embeddings are
computed once. Every draw comes from the seed and the step, so a run that was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from tqdm import trange

from benchmark.degradations import ladder, sheet_file
from methods._clip.antonyms import AntonymScorer, prompt_pairs
from methods._clip.encoder import architecture
from methods._clip.weights import load_clip, save_scorer, scorer
from methods.qualiclip.crops import cached_reader, draw_batch
from methods.qualiclip.losses import loss_terms, ranking_across

#: Side of a picture on the sheet of ladders that training leaves, pixels.
SHOWN = 80


class Training(BaseModel):
    """Settings of the training; the defaults are the paper's where it states them.

    Standing of each figure: ``experiments/profile/paper.yaml``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str = "RN50-quickgelu"
    width: int | None = Field(None, ge=8, description="width of the image tower, if not the architecture's")
    pretrained: str | None = Field("openai", description="open_clip tag or file; null: random weights")
    prompts: str | list[list[str]] = "qualiclip"
    steps: int = Field(87_500, ge=0, description="10 epochs of 140,000 pictures in batches of 16")
    batch: int = Field(16, ge=1, description="pictures a step; each gives two crops at every level")
    crop: int = Field(224, ge=32)
    overlap: float = Field(0.5, ge=0, le=1, description="least shared area of the two crops")
    levels: int = Field(5, ge=2, le=5)
    order: Literal["reference", "monotone"] = "reference"
    margin_consistency: float = Field(2.5e-3, ge=0)
    margin_rank: float = Field(6.75e-2, ge=0)
    consistency: float = Field(1.0, ge=0, description="weight of the consistency term")
    positive: float = Field(1.0, ge=0, description="weight of ranking along the positive prompts")
    negative: float = Field(1.0, ge=0, description="weight of ranking along the negative prompts")
    rank_across: float = Field(0.0, ge=0, description="weight of ranking across the images of a batch")
    lr: float = Field(1e-9, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    warmup: int = Field(0, ge=0, description="steps of linear warm-up")
    decay: Literal["none", "cosine"] = "none"
    norm: Literal["eval", "train"] = Field("eval", description="mode of the batch-norm layers")
    bf16: bool = True
    scale: float = Field(100.0, gt=0, description="factor on the cosines when scoring")
    cache: int = Field(256, ge=0, description="decoded pictures kept in memory")
    log_every: int = Field(10, ge=1)
    checkpoint_every: int = Field(500, ge=1)


def learning_rate(step: int, settings: Training) -> float:
    """Learning rate at a step: linear warm-up, then constant or half a cosine down to zero."""
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    if settings.decay == "none":
        return settings.lr * warm
    done = max(0, step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.lr * warm * 0.5 * (1 + math.cos(math.pi * done))


def ladders(pictures: Sequence[Path], first: int, seed: int, settings: Training) -> Iterator[Tensor]:
    """Yield the degraded crops ``[L, B, 2, 3, c, c]`` of each step from ``first`` on.

    One step is prepared in a thread while the network works on the one before.
    """
    reader = cached_reader(settings.cache)

    def prepare(step: int) -> Tensor:
        crops, kinds, seeds = draw_batch(
            pictures, step, seed, reader, settings.batch, settings.crop, settings.overlap
        )
        # The two crops of a picture share kind and seed: level alone differs within its ladder.
        flat = ladder(
            crops.flatten(0, 1),
            [kind for kind in kinds for _ in range(2)],
            seeds.repeat_interleave(2),
            levels=settings.levels,
            order=settings.order,
        )
        return flat.unflatten(1, crops.shape[:2])

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(prepare, first)
        for step in range(first, settings.steps):
            here = coming.result()
            if step + 1 < settings.steps:
                coming = pool.submit(prepare, step + 1)
            yield here


def step_losses(model: AntonymScorer, crops: Tensor, settings: Training) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted loss of one step and its terms, with the share of level pairs in order."""
    shape = crops.shape[:3]
    flat = crops.flatten(0, 2).contiguous(memory_format=torch.channels_last)
    with torch.autocast(flat.device.type, dtype=torch.bfloat16, enabled=settings.bf16):
        positive, negative = model.similarities(flat)
    positive, negative = positive.mean(dim=1).view(shape), negative.mean(dim=1).view(shape)
    terms = loss_terms(positive, negative, settings.margin_consistency, settings.margin_rank)
    terms["across"] = torch.zeros(())
    if settings.rank_across:
        margin = settings.margin_rank
        terms["across"] = ranking_across(positive, margin) + ranking_across(-negative, margin)
    loss = (
        settings.rank_across * terms["across"]
        + settings.consistency * terms["consistency"]
        + settings.positive * terms["positive"]
        + settings.negative * terms["negative"]
    )
    milder, stronger = torch.triu_indices(shape[0], shape[0], offset=1)
    quality = (positive - negative).detach()
    figures = {"loss": loss, **terms, "in_order": (quality[milder] > quality[stronger]).float().mean()}
    return loss, {name: float(value.detach()) for name, value in figures.items()}


def train_encoder(
    pictures: Sequence[Path], out: Path, *, seed: int, settings: Training
) -> tuple[AntonymScorer, pd.DataFrame]:
    """Train the image encoder.

    Parameters
    ----------
    pictures
        Pristine pictures, each side at least ``settings.crop``.
    out
        Folder of the result; a checkpoint is kept beside it while the training lasts.
    seed
        Seed of the initial weights and of every draw.
    settings
        See :class:`Training`.

    Returns
    -------
    AntonymScorer
        The last weights: nothing rated by people takes part in choosing them.
    DataFrame
        One row a logged step.

    Raises
    ------
    ValueError
        If there are no pictures, or one is smaller than a crop.
    """
    if not pictures:
        raise ValueError("no pictures to train on; check the data set that `train.pictures` names")
    changes = {"width": settings.width} if settings.width else None
    clip = load_clip(settings.architecture, settings.pretrained, seed, changes)
    model = scorer(clip, prompt_pairs(settings.prompts), settings.scale)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        model.encoder.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, foreach=True
    )
    checkpoint = Checkpoint(out, run_identity(pictures, seed, settings))
    first, rows = checkpoint.restore(model, optimizer)
    set_mode(model, settings.norm)
    steps = trange(first, settings.steps, initial=first, total=settings.steps, desc="train", mininterval=5)
    for step, crops in zip(steps, ladders(pictures, first, seed, settings), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        loss, figures = step_losses(model, crops, settings)
        if not math.isfinite(figures["loss"]):
            raise ValueError(f"the loss is {figures['loss']} at step {step}; lower `lr` (now {settings.lr})")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % settings.log_every == 0 or step + 1 == settings.steps:
            rows.append({"step": step, "lr": learning_rate(step, settings), **figures})
        if (step + 1) % settings.checkpoint_every == 0:
            checkpoint.save(model, optimizer, step + 1, rows)
    checkpoint.remove()
    columns = ["step", "lr", "loss", "consistency", "positive", "negative", "across", "in_order"]
    return model.eval(), pd.DataFrame(rows, columns=columns)


def set_mode(model: nn.Module, norm: str) -> None:
    """Put the model in training mode, its batch-norm layers in the mode asked for."""
    model.train(norm == "train")


def run_identity(pictures: Sequence[Path], seed: int, settings: Training) -> str:
    """Hash of all that a run depends on, so that a checkpoint of another run is never taken up."""
    sizes = [[p.name, p.stat().st_size] for p in pictures]
    text = json.dumps([sizes, seed, settings.model_dump()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Checkpoint:
    """State of a run in ``<out>.partial``: outside the result, which a pipeline may empty before each run."""

    def __init__(self, out: Path, identity: str) -> None:
        self.path = out.with_name(out.name + ".partial")
        self.identity = identity

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[int, list[dict[str, Any]]]:
        """Load the state of this very run, if there is one; returns the next step and the rows so far."""
        if not self.path.is_file():
            return 0, []
        state = torch.load(self.path, weights_only=True)
        if state["identity"] != self.identity:
            return 0, []
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return state["step"], state["rows"]

    def save(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, rows: list[dict[str, Any]]
    ) -> None:
        """Write the state aside and rename it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(self.path.name + ".tmp")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({"identity": self.identity, "step": step, "rows": rows, **state}, aside)
        os.replace(aside, self.path)

    def remove(self) -> None:
        """Remove the state of a run that has ended."""
        self.path.unlink(missing_ok=True)


def train(pictures: Sequence[Path], out: Path, *, seed: int, settings: Training) -> dict[str, Any]:
    """Train QualiCLIP and write ``weights.safetensors`` and ``curve.csv`` below ``out``.

    Returns
    -------
    dict
        Keyword arguments of :func:`methods.qualiclip.load`.
    """
    model, curve = train_encoder(pictures, out, seed=seed, settings=settings)
    out.mkdir(parents=True, exist_ok=True)
    changes = {"width": settings.width} if settings.width else None
    text = {
        "name": settings.architecture,
        "pretrained": settings.pretrained,
        "seed": seed,
        "changes": changes,
    }
    config = architecture(settings.architecture, changes)
    save_scorer(model, out / "weights.safetensors", config, text=text)
    if pictures:
        sheet_file(pictures[0], out / "ladders.png", seed, order=settings.order, side=SHOWN)
    curve.to_csv(out / "curve.csv", index=False, float_format="%.6g", lineterminator="\n")
    return {"weights": str(out / "weights.safetensors")}
