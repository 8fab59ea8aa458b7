"""What two checkpoints of one network say of the training between them: what moved, and how far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from methods._shared.weights.tensor_files import read_tensors

#: What authors put before the names of OpenAI's tensors.
PREFIXES = ("module.", "clip_model.", "model.", "encoder.")
TEXT = ("transformer.", "token_embedding", "positional_embedding", "ln_final", "text_projection", "text.")
NORM = re.compile(r"(^|\.)(bn\d*|ln_\w+|norm\d*|downsample\.1)\.")

COLUMNS = ["tensor", "part", "kind", "numbers", "moved", "largest", "changed"]


def named(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint under the names of OpenAI's CLIP, whoever saved it.

    Raises
    ------
    ValueError
        If it is no file of weights.
    """
    found = {}
    for name, tensor in read_tensors(path).items():
        while (prefix := next((p for p in PREFIXES if name.startswith(p)), "")) != "":
            name = name.removeprefix(prefix)
        found[name] = tensor
    return found


def compare(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> pd.DataFrame:
    """Compare two checkpoints tensor by tensor.

    Parameters
    ----------
    before, after
        Tensors by name; those of one alone are left out.

    Returns
    -------
    DataFrame
        ``tensor``; ``part``: image, text or other; ``kind``: weights, norm gains or norm statistics;
        ``numbers``; ``moved``: length of the difference over that of the tensor before; ``largest``
        difference; ``changed``: share of the numbers that differ.

    Raises
    ------
    ValueError
        If they share no tensor, or one has another shape.
    """
    shared = [name for name in before if name in after and before[name].is_floating_point()]
    if not shared:
        raise ValueError("the two files share no tensor; are they of one network?")
    rows = []
    for name in shared:
        a, b = before[name].double(), after[name].double()
        if a.shape != b.shape:
            raise ValueError(f"{name} is {list(a.shape)} in one file and {list(b.shape)} in the other")
        away = b - a
        length, numbers = float(a.norm()), a.numel()
        moved = float(away.norm()) / length if length else float(bool(away.any()))
        largest = float(away.abs().max()) if numbers else 0.0
        changed = float((away != 0).double().mean()) if numbers else 0.0
        rows.append((name, part_of(name), kind_of(name), numbers, moved, largest, changed))
    return pd.DataFrame(rows, columns=COLUMNS)


def part_of(name: str) -> str:
    """Tower that a tensor of CLIP belongs to."""
    if name.startswith("visual."):
        return "image"
    return "text" if name.startswith(TEXT) else "other"


def kind_of(name: str) -> str:
    """Statistics that a norm has counted, its gains and offsets, or weights."""
    if name.endswith(("running_mean", "running_var")):
        return "norm statistics"
    return "norm gains" if NORM.search(name) else "weights"


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Sum :func:`compare` up by part and kind: how many tensors, how many of them differ, how far at most."""
    by = table.groupby(["part", "kind"], sort=False)
    found = by.agg(
        tensors=("tensor", "size"), moved=("moved", "max"), median=("moved", "median"),
        largest=("largest", "max"),
    )  # fmt: skip
    found.insert(1, "equal", by["largest"].apply(lambda values: int((values == 0).sum())))
    return found.reset_index()


def implied(
    table: pd.DataFrame, before: Mapping[str, Tensor], after: Mapping[str, Tensor], steps: int
) -> list[str]:
    """Say in words what the comparison implies for the training's settings.

    Adam moves a number by about the learning rate a step and no further, so ``steps`` steps move it by
    ``steps x lr`` at most, and by ``sqrt(steps) x lr`` where they go to and fro. A step below half the
    spacing of float32 at a number is lost: with lr 1e-9 nothing of 2^-5 (.031) or more moves at all.
    """
    said = []
    for part, what in (("text", "The text tower"), ("image", "The image tower")):
        rows = table[table["part"].eq(part)]
        if len(rows):
            still = rows["largest"].eq(0)
            said.append(f"{what}: {int(still.sum())} of {len(rows)} tensors are equal, bit for bit.")
    counted = table[table["kind"].eq("norm statistics")]
    if len(counted):
        same = bool(counted["largest"].eq(0).all())
        mode = "norms in evaluation mode (`norm: eval`)" if same else "norms in training mode (`norm: train`)"
        said.append(f"Norm statistics {'are equal' if same else 'differ'}: {mode}.")
    learnt = table[table["part"].eq("image") & table["kind"].ne("norm statistics")]
    farthest = float(learnt["largest"].max()) if len(learnt) else 0.0
    if farthest == 0:
        return [*said, "No learnt number of the image tower moved: nothing can be said of `lr`."]
    moves = torch.cat([(after[n].double() - before[n].double()).flatten() for n in learnt["tensor"]])
    typical = float(moves.square().mean().sqrt())
    said.append(
        f"lr: the farthest number moved by {farthest:.2g}, which needs {farthest / steps:.2g} at least over "
        f"{steps:,} steps of Adam; steps to and fro would move numbers by {typical:.2g}, as here, at "
        f"{typical / steps**0.5:.2g}."
    )
    gains = learnt[learnt["kind"].eq("norm gains") & learnt["tensor"].str.endswith("weight")]
    if len(gains):
        least = _least_step(before, after, list(gains["tensor"]))
        said.append(
            f"Norm gains moved, which takes steps of {least:.2g} or more in float32."
            if least
            else "Norm gains did not move: steps below half of float32's spacing there, or gains held fixed."
        )
    halves = [str(t.dtype).removeprefix("torch.") for t in (*before.values(), *after.values())]
    if {"float16", "bfloat16"} & set(halves):
        said.append("Numbers kept in half precision show no move below their own spacing (2^-11 of them).")
    return said


def _least_step(before: Mapping[str, Tensor], after: Mapping[str, Tensor], names: list[str]) -> float:
    """Half the spacing of float32 at the smallest gain that moved; 0 where none did."""
    sizes = [before[n].abs().double()[(after[n].double() != before[n].double())] for n in names]
    moved = torch.cat([s.flatten() for s in sizes])
    return float(2.0 ** (moved.min().log2().floor() - 24)) if len(moved) else 0.0
