"""The shell that turns an antonym scorer into a method."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.method import Card
from methods._clip.antonyms import AntonymScorer


class AntonymMethod:
    """A method that scores whole images of any size by antonym prompts.

    Parameters
    ----------
    name
        Name of the method.
    scorer
        Encoder with prompt embeddings.
    card
        What a reader must know about these weights.
    """

    higher_is_better = True

    def __init__(self, name: str, scorer: AntonymScorer, card: Card) -> None:
        self.name = name
        self.card = card
        self.scorer = scorer.eval()

    @torch.inference_mode()
    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` in [0, 1], higher is better."""
        return self.scorer(images)[:, 2].float().cpu()

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return unit image embeddings ``[B, D]``."""
        return self.scorer.encoder(images).float().cpu()

    @property
    def cam_module(self) -> nn.Module:
        """Images to ``[B, 3]``: similarity to the positive prompts, to the negative ones, and the score."""
        return self.scorer

    @property
    def cam_layer(self) -> nn.Module:
        """Last convolutional block of the image tower."""
        return self.scorer.encoder.last_block

    @property
    def cam_targets(self) -> tuple[str, ...]:
        """Names of the columns of :attr:`cam_module`."""
        return self.scorer.targets
