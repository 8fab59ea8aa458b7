"""Methods to load in place of trained ones: right or wrong on purpose where pictures darken."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn

from experiments.stages import studies, study


class Grey:
    """Mean brightness, and the mean colour as features."""

    def __init__(self, name: str, sign: float = 1.0, higher_is_better: bool = True) -> None:
        self.name, self.sign, self.higher_is_better = name, sign, higher_is_better

    def score(self, images: Tensor) -> Tensor:
        return self.sign * images.mean((1, 2, 3))

    def features(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))


def known(name: str, models: object = None) -> Grey:
    """The method of a name of the planted run; any other is right."""
    wrong = (-1.0, True)
    made = {"turned": (-1.0, False), "constant": (0.0, True), "reversed": wrong, "untrained": wrong}
    return Grey(name, *made.get(name, (1.0, True)))


class Bright(nn.Module):
    """Columns ``positive`` and ``negative``: how far a picture is above a light grey, and below."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 1, 4, stride=4)
        with torch.no_grad():
            self.look.weight.fill_(1 / 48)
            self.look.bias.fill_(-0.7)

    def forward(self, images: Tensor) -> Tensor:
        above = self.look(images).mean((1, 2, 3))
        return torch.stack([above, -above], dim=1)


class Seeing(Grey):
    """`Grey` with gradients: where it is dark the one prompt loses and the other gains."""

    cam_targets = ("positive", "negative")

    def __init__(self, name: str, right: bool = True) -> None:
        super().__init__(name)
        self.cam_module = Bright()
        self.cam_layer = self.cam_module.look
        if not right:  # the prompts exchanged: each map is the other's
            self.cam_targets = ("negative", "positive")


def load(patch: pytest.MonkeyPatch, stage: object, make: Callable[..., object] = known) -> None:
    """Have a stage load `make` in place of what was trained."""
    patch.setattr(stage, "load_trained", make)


def studied(methods: Iterable[str], *, join: bool = True) -> None:
    """Study methods one after the other, as the pipeline does, and join what was found."""
    for name in methods:
        study.study(name)
    if join:
        studies.studies()
