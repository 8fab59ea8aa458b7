"""ARNIQA as a torch module: gradients from the score to the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from methods._shared.arniqa.scales import five_crops, smooth_half
from methods._shared.modules import ScoreModule

if TYPE_CHECKING:
    from methods.arniqa import Arniqa
    from methods.arniqa.regressor import Regressor


class ArniqaModule(ScoreModule):
    """Scores of :class:`Arniqa` with gradients; the half scale is not rounded to bytes.

    Parameters
    ----------
    method
        With a regressor.
    """

    def __init__(self, method: Arniqa) -> None:
        super().__init__(method)
        line = method.line()
        self.encoder = method.scales.encoder
        self.regressor = Line(line).to(next(self.encoder.parameters()).device)
        self.opinions = line.opinions
        self.protocol = method.protocol

    def scores(self, images: Tensor) -> Tensor:
        """Score pictures that were looked at."""
        scales, crops = [images, smooth_half(images)], 1
        if self.protocol == "five-crops":
            scales, crops = [five_crops(scale).flatten(0, 1) for scale in scales], 5
        features = torch.cat([self.encoder(scale) for scale in scales], dim=1)
        return self.opinions.scaled(self.regressor(features)).unflatten(0, (-1, crops)).mean(1)


class Line(nn.Linear):
    """A regressor as a layer: features ``[B, 2 D]`` of both scales to opinions ``[B]``."""

    def __init__(self, line: Regressor) -> None:
        super().__init__(len(line.weights), 1)
        with torch.no_grad():
            self.weight.copy_(line.weights[None])
            self.bias.fill_(line.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return opinions, in the precision of the weights also where autocast asks for a lower one."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))[:, 0]
