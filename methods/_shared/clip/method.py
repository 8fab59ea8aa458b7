"""The shell that turns an antonym scorer into a method."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.method import Card
from methods._shared.clip.antonyms import AntonymScorer
from methods._shared.clip.folded import Folding
from methods._shared.modules import ScoreModule


class AntonymMethod:
    """A method that scores whole images of any size by antonym prompts.

    Parameters
    ----------
    name
        Name of the method.
    scorer
        Encoder with prompt embeddings; pictures are scored on the device that it lies on.
    card
        What a reader must know about these weights; lower is better where the first prompt names a flaw.
    """

    def __init__(self, name: str, scorer: AntonymScorer, card: Card) -> None:
        self.name = name
        self.card = card
        self.higher_is_better = card.higher_is_better
        self.scorer = scorer.eval().to(memory_format=scorer.encoder.layout)
        self._embed = Folding(self.scorer.encoder)

    def to(self, device: str | torch.device) -> AntonymMethod:
        """Move to a device and return itself."""
        self.scorer.to(device)
        return self

    @torch.inference_mode()
    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` in [0, 1]."""
        return self.probabilities(images).mean(dim=1)

    @torch.inference_mode()
    def probabilities(self, images: Tensor) -> Tensor:
        """Probability ``[B, P]`` of the positive prompt of each pair; the score is their mean."""
        return self.scorer.probabilities(self._embed(self._there(images))).float().cpu()

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return unit image embeddings ``[B, D]``."""
        return self._embed(self._there(images)).float().cpu()

    def as_module(self) -> AntonymModule:
        """Return the network as a module whose gradients reach the picture; it is shared, not copied."""
        return AntonymModule(self)

    def _there(self, images: Tensor) -> Tensor:
        return images.to(self.scorer.positive.device, memory_format=self.scorer.encoder.layout)

    @property
    def cam_module(self) -> nn.Module:
        """Images to ``[B, 3]``: similarity to the positive prompts, to the negative ones, and the score."""
        return self.scorer

    @property
    def cam_layer(self) -> nn.Module:
        """Layer of the image tower whose activations are weighted."""
        return self.scorer.encoder.cam_layer

    @property
    def cam_targets(self) -> tuple[str, ...]:
        """Names of the columns of :attr:`cam_module`."""
        return self.scorer.targets

    def cam_reshape(self, activations: Tensor) -> Tensor:
        """Turn activations of :attr:`cam_layer` into ``[B, C, h, w]``."""
        return self.scorer.encoder.cam_reshape(activations)


class AntonymModule(ScoreModule):
    """The score of an `AntonymMethod`, with gradients."""

    method: AntonymMethod

    def __init__(self, method: AntonymMethod) -> None:
        super().__init__(method)
        self.scorer = method.scorer

    def scores(self, images: Tensor) -> Tensor:
        """Score pictures that were looked at."""
        return self.scorer.probabilities(self.scorer.encoder(images)).mean(dim=1)
