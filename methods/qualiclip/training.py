"""QualiCLIP's training: crops are degraded at rising levels, the image encoder learns their order.

Reads from top to bottom: what a step sees, one step, the loop. The text tower is frozen, so its prompt
embeddings are computed once. Every draw comes from the seed and the place in the run: one that was killed
goes on where it was, and one that several processes share (``torchrun``) takes the course of a single one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import trange

from benchmark.degradations import sheet_file
from benchmark.method import TrainingData
from methods._shared.clip.antonyms import AntonymScorer, prompt_pairs
from methods._shared.clip.encoder import architecture
from methods._shared.clip.weights import load_clip, save_scorer, scorer
from methods._shared.devices import in_bf16
from methods._shared.training.loop import (
    Checkpoint,
    by_processes,
    by_threads,
    check_pictures,
    finished,
    identity,
    processes_of,
)
from methods._shared.training.ranks import Team, team, writes_files
from methods.qualiclip import course
from methods.qualiclip.feed import Feed
from methods.qualiclip.losses import loss_terms, ranking_across
from methods.qualiclip.settings import Training, learning_rate
from methods.qualiclip.validation import held_out_pictures, ranking_accuracy, validation_table

TERMS = ("loss", "consistency", "positive", "negative", "across", "in_order")
#: What a step rests on: a state of other code is not taken up.
CODE = (
    "methods.qualiclip",
    "methods._shared.clip",
    "methods._shared.training",
    "benchmark.degradations",
    "benchmark.images",
)
#: Side of a picture on the sheet of ladders that training leaves, pixels.
SHOWN = 80


def ladders(
    pictures: Sequence[Path], first: int, seed: int, settings: Training, crew: Team
) -> Generator[list[Tensor], None, None]:
    """Yield each step from ``first`` on: its parts, degraded crops ``[L, B, 2, 3, c, c]`` on the device.

    They are made on the CPU, and are the same to the bit whatever the device and whoever makes them:
    ``processes`` beside this one, or a thread of this one with ``workers`` threads that decode.
    """
    names = [str(path) for path in pictures]
    feed = Feed(names, seed, settings, crew.rank, crew.size, cache=settings.cache)
    processes = processes_of(settings.processes, crew.device, feed.step_bytes)
    if processes and first < settings.steps:
        feed = replace(feed, cache=settings.cache // processes)
        yield from by_processes(feed, first, settings.steps, processes, crew.device)
        return
    with ThreadPoolExecutor(settings.workers) as decoders:
        prepare = lambda step: feed(step, decoders.map)  # noqa: E731
        yield from by_threads(prepare, first, settings.steps, crew.device)


def step_losses(
    embed: Callable[[Tensor], Tensor], model: AntonymScorer, crops: Tensor, settings: Training
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the weighted loss of a part of a step, and its terms with the share of level pairs in order."""
    shape = crops.shape[:3]
    flat = crops.flatten(0, 2)
    with torch.autocast(flat.device.type, dtype=torch.bfloat16, enabled=in_bf16(settings.bf16, flat.device)):
        embedding = embed(flat)
        positive, negative = embedding @ model.positive.T, embedding @ model.negative.T
    quality = (positive.detach().mean(dim=1) - negative.detach().mean(dim=1)).view(shape)
    terms = pair_terms(positive.view(*shape, -1), negative.view(*shape, -1), settings)
    loss = (
        settings.consistency * terms["consistency"]
        + settings.positive * terms["positive"]
        + settings.negative * terms["negative"]
        + settings.rank_across * terms["across"]
    )
    milder, stronger = torch.triu_indices(shape[0], shape[0], offset=1, device=quality.device)
    in_order = (quality[milder] > quality[stronger]).float().mean()
    return loss, {"loss": loss.detach(), **{k: v.detach() for k, v in terms.items()}, "in_order": in_order}


def pair_terms(positive: Tensor, negative: Tensor, settings: Training) -> dict[str, Tensor]:
    """Return the loss terms of cosines ``[L, B, 2, P]`` to P pairs of prompts.

    The cosines are averaged over the pairs first, or the terms of each pair are.
    """
    if settings.averaged == "cosines":
        pairs = [(positive.mean(dim=-1), negative.mean(dim=-1))]
    else:
        pairs = list(zip(positive.unbind(dim=-1), negative.unbind(dim=-1), strict=True))
    found = []
    for good, bad in pairs:
        terms = loss_terms(good, bad, settings.margin_consistency, settings.margin_rank, settings.reduction)
        terms["across"] = torch.zeros((), device=positive.device)
        if settings.rank_across:
            for s in map(_of_all, (good, -bad)):
                terms["across"] = terms["across"] + ranking_across(
                    s, settings.margin_rank, settings.reduction
                )
        found.append(terms)
    return {name: torch.stack([terms[name] for terms in found]).mean() for name in found[0]}


def _of_all(similarity: Tensor) -> Tensor:
    """Similarities of the images of all processes; gradients flow back to each."""
    if not dist.is_initialized():
        return similarity
    from torch.distributed.nn.functional import all_gather

    return torch.cat(list(all_gather(similarity.contiguous())), dim=1)


def take_step(
    embed: nn.Module, model: AntonymScorer, parts: Sequence[Tensor], settings: Training, crew: Team
) -> dict[str, float]:
    """Add up the gradients of a step's parts; returns its figures, means over parts and processes.

    Every loss is a mean over images, so the mean over equal parts is the loss of the whole batch.
    """
    figures: list[dict[str, Tensor]] = []
    for index, crops in enumerate(parts):
        last = index + 1 == len(parts)
        alone = contextlib.nullcontext() if last or crew.size == 1 else embed.no_sync()  # type: ignore[operator]
        with alone:
            loss, found = step_losses(embed, model, crops, settings)
            (loss / len(parts)).backward()
        figures.append(found)
    together = torch.stack([torch.stack([found[name].float() for name in TERMS]) for found in figures]).mean(
        dim=0
    )
    if crew.size > 1:
        dist.all_reduce(together)
        together /= crew.size
    return dict(zip(TERMS, together.tolist(), strict=True))


def train_encoder(
    pictures: Sequence[Path], out: Path, *, seed: int, settings: Training, held_out: Sequence[Path] = ()
) -> tuple[AntonymScorer, pd.DataFrame, pd.DataFrame]:
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
    held_out
        Pristine pictures for the validation.

    Returns
    -------
    AntonymScorer
        The last weights, or their running average: nothing rated by people takes part in choosing them.
    DataFrame
        One row a logged step.
    DataFrame
        One row a validation.

    Raises
    ------
    ValueError
        If there are no pictures, some cannot be read or are smaller than a crop, the batch cannot be shared,
        a checkpoint is of another run, or the loss or the weights are not finite.
    """
    if not pictures:
        raise ValueError("no pictures to train on; check the data set that `train.pictures` names")
    pictures, held_out = held_out_pictures(pictures, held_out, seed, settings)
    with team() as crew:
        if settings.batch % (crew.size * settings.accumulate):
            raise ValueError(
                f"batch: {settings.batch} pictures cannot be shared by {crew.size} processes in "
                f"{settings.accumulate} equal parts"
            )
        return _run(pictures, held_out, out, seed, settings, crew)


def _run(
    pictures: Sequence[Path], held_out: Sequence[Path], out: Path, seed: int, settings: Training, crew: Team
) -> tuple[AntonymScorer, pd.DataFrame, pd.DataFrame]:
    settings = settings.model_copy(update={"bf16": in_bf16(settings.bf16, crew.device)})
    clip = load_clip(settings.architecture, settings.pretrained, seed, _changes(settings))
    model = scorer(clip, prompt_pairs(settings.prompts), settings.scale)
    model = model.to(crew.device).to(memory_format=model.encoder.layout)
    if settings.steps:  # the backbone as it starts reads none
        check_pictures([*pictures, *held_out], least=settings.crop)
    optimizer = torch.optim.AdamW(
        model.encoder.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, foreach=True
    )
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.ema)) if settings.ema else None
    parts: dict[str, nn.Module | torch.optim.Optimizer] = {"model": model, "optimizer": optimizer}
    if average:
        parts["average"] = average
    run = identity(pictures, seed, settings.model_dump(exclude=settings.aside), *CODE)
    checkpoint = Checkpoint(out, run, parts)
    first, rows = checkpoint.restore()
    model.train(settings.norm == "train")
    embed = DistributedDataParallel(model.encoder) if crew.size > 1 else model.encoder
    steps = trange(
        first,
        settings.steps,
        initial=first,
        total=settings.steps,
        mininterval=5,
        disable=None if crew.first else True,
    )
    with closing(ladders(pictures, first, seed, settings, crew)) as coming:
        for step, crops in zip(steps, coming, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, settings)
            optimizer.zero_grad(set_to_none=True)
            figures = take_step(embed, model, crops, settings, crew)
            if not math.isfinite(figures["loss"]):
                raise ValueError(
                    f"the loss is {figures['loss']} at step {step}; lower `lr` (now {settings.lr})"
                )
            optimizer.step()
            if average:
                average.update_parameters(model)
            done = step + 1
            if step % settings.log_every == 0 or done == settings.steps:
                rows.append({"step": step, "lr": learning_rate(step, settings), **figures})
            if held_out and (done % settings.validate_every == 0 or done == settings.steps) and crew.first:
                judged: Any = average.module if average else model
                rows.append({"validated": step, **ranking_accuracy(judged, held_out, settings, crew.device)})
            if done % settings.checkpoint_every == 0 and crew.first:
                checkpoint.save(done, rows)
    checkpoint.check()
    crew.wait()
    curve = pd.DataFrame([r for r in rows if "step" in r], columns=["step", "lr", *TERMS])
    judged_rows = [{**r, "step": r["validated"]} for r in rows if "validated" in r]
    final: Any = average.module if average else model
    return final.eval().cpu(), curve, validation_table(judged_rows)


def fetch(settings: Training) -> None:
    """Bring the weights that training starts from."""
    load_clip(settings.architecture, settings.pretrained, 0, _changes(settings))


def _changes(settings: Training) -> dict[str, Any] | None:
    """What differs from the architecture of this name."""
    return {"width": settings.width} if settings.width else None


def train(data: TrainingData, out: Path, *, settings: Training) -> dict[str, Any]:
    """Train QualiCLIP; write ``weights.safetensors``, ``curve.csv`` and ``validation.csv`` below ``out``.

    Under ``torchrun`` the processes share each batch, and the first of them writes. What the published
    checkpoint implies for the settings is said first (`methods.qualiclip.course`).

    Returns
    -------
    dict
        Keyword arguments of :func:`methods.qualiclip.load`.
    """
    if writes_files():
        course.say(settings, out)
    model, curve, validation = train_encoder(
        data.pictures, out, seed=data.seed, settings=settings, held_out=data.held_out
    )
    weights = out / "weights.safetensors"
    if writes_files():
        out.mkdir(parents=True, exist_ok=True)
        changes = _changes(settings)
        text = {
            "name": settings.architecture,
            "pretrained": settings.pretrained,
            "seed": data.seed,
            "changes": changes,
        }
        config = architecture(settings.architecture, changes, settings.pretrained)
        save_scorer(model, weights, config, text=text)
        sheet_file(data.pictures[0], out / "ladders.png", data.seed, order=settings.order, side=SHOWN)
        for name, table in (("curve", curve), ("validation", validation)):
            if len(table) or name == "curve":
                table.to_csv(out / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")
    finished(out)
    return {"weights": str(weights)}
