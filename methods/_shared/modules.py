"""Methods as torch modules: for a loss, for the training loops of others, for torch.hub."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from benchmark.method import Method
from benchmark.scoring.guard import checked


class Measure(nn.Module):
    """A network that measures: in evaluation mode whatever the training loop around it asks for.

    In training mode batch norms would take their statistics from the pictures that are measured.
    """

    def __init__(self) -> None:
        super().__init__()
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)


class ScoreModule(Measure):
    """A method as a module: pictures in [0, 1] to scores, on the device of the pictures.

    It is a method itself, with ``name``, ``higher_is_better`` and ``score``. Those that are networks override
    `scores` with one that keeps gradients; this one has none.

    Parameters
    ----------
    method
        What scores. A network is shared with it, not copied.
    """

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.name = method.name
        self.higher_is_better = method.higher_is_better
        self.card = getattr(method, "card", None)
        self.method: Any = method

    def forward(self, images: Tensor) -> Tensor:
        """Return scores ``[B]`` of ``images [B, 3, H, W]`` (RGB in [0, 1]).

        Raises
        ------
        ValueError
            If they are no such pictures, the method refuses them, or it is asked for gradients and has none.
        """
        return self.scores(checked(images))

    def scores(self, images: Tensor) -> Tensor:
        """Score pictures that were looked at."""
        if images.requires_grad and torch.is_grad_enabled():
            raise ValueError(
                f"{self.name} gives no gradients to the picture: call it under torch.no_grad(), or take a "
                "method that is a network from end to end, such as qualiclip, clipiqa or arniqa"
            )
        return self.method.score(images).to(images.device)

    @torch.no_grad()
    def score(self, images: Tensor) -> Tensor:
        """Score as methods do: ``[B]`` float32 on the CPU, without gradients."""
        return self(images).float().cpu()
