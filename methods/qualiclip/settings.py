"""The settings of QualiCLIP's training."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class Training(BaseModel):
    """Settings of the training; the defaults are the paper's where it states them.

    Standing of each figure: ``experiments/profile/_paper.yaml``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    #: What a step learns does not depend on these. Pictures taken out for a validation change the pictures.
    aside: ClassVar = {
        "workers", "processes", "cache", "log_every", "checkpoint_every", "validate_every", "scale",
    }  # fmt: skip

    architecture: str = "RN50-quickgelu"
    width: int | None = Field(None, ge=8, description="width of the image tower, if not the architecture's")
    pretrained: str | None = Field("openai", description="open_clip tag or file; null: random weights")
    prompts: str | list[list[str]] = "qualiclip"
    steps: int = Field(87_500, ge=0, description="10 epochs of 140,000 pictures in batches of 16")
    batch: int = Field(16, ge=1, description="pictures a step; each gives two crops at every level")
    accumulate: int = Field(1, ge=1, description="parts that a batch is worked through in, to save memory")
    crop: int = Field(224, ge=32)
    overlap: float = Field(0.5, ge=0, le=1, description="least shared area of the two crops")
    levels: int = Field(5, ge=2, le=5)
    order: Literal["reference", "monotone"] = "reference"
    distortions: int = Field(1, ge=1, le=7, description="types composed on a picture, all at the same level")
    drawn: Literal["types", "groups"] = Field(
        "types", description="all 24 types alike, or a group first and one of its types, as ARNIQA does"
    )
    levels_draw: Literal["shared", "own"] = Field("shared", description="random fields of the levels")
    crops_draw: Literal["shared", "own"] = Field("shared", description="random fields of the two crops")
    averaged: Literal["cosines", "losses"] = Field(
        "cosines", description="what is averaged over the prompt pairs: cosines before the hinges, or losses"
    )
    reduction: Literal["sum", "mean"] = Field("sum", description="over levels, their pairs, and crops")
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
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of the average of the weights; 0: the last weights"
    )
    norm: Literal["eval", "train"] = Field("eval", description="mode of the batch-norm layers")
    bf16: bool | None = Field(
        None, description="products in bf16; null: where the device has arithmetic for it, else fp32"
    )
    scale: float = Field(100.0, gt=0, description="factor on the cosines when scoring")
    workers: int = Field(4, ge=1, description="threads that decode, where `processes` is 0")
    processes: int | None = Field(
        None, ge=0, description="processes that decode and degrade; null: 0 for a CPU, else cores but two"
    )
    cache: int = Field(256, ge=0, description="decoded pictures kept in memory")
    validate_every: int = Field(0, ge=0, description="steps between two validations; 0: none")
    validate_on: int = Field(20, ge=1, description="most pictures of a validation")
    log_every: int = Field(10, ge=1)
    checkpoint_every: int = Field(500, ge=1)


def learning_rate(step: int, settings: Training) -> float:
    """Learning rate at a step: linear warm-up, then constant or half a cosine down to zero."""
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    if settings.decay == "none":
        return settings.lr * warm
    done = max(0, step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.lr * warm * 0.5 * (1 + math.cos(math.pi * done))
