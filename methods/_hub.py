"""What ``torch.hub.load`` gives under the names of the official models, and their own calls.

They take batches that are normalised already, as their authors' READMEs prepare them, and refuse pictures in
[0, 1], which all else in this suite takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses import FakeTensor

import methods
from benchmark.scoring.guard import TOLERANCE
from methods._shared.modules import Measure


class QualiCLIP(Measure):
    """QualiCLIP as its authors' hub offers it: ``QualiCLIP(img)``, of a batch in CLIP's normalisation.

    Parameters
    ----------
    **settings
        As for ``methods.load("qualiclip")``, e.g. ``weights=PATH``; nothing means the published checkpoint.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.scorer: Any = methods.load("qualiclip", **settings).as_module().scorer

    def forward(self, img: Tensor) -> Tensor:
        """Return scores ``[B]`` in [0, 1], higher is better.

        Raises
        ------
        ValueError
            If the batch was not normalised as CLIP's pictures are.
        """
        encoder = self.scorer.encoder
        check_normalised(img, encoder.mean, encoder.std, "QualiCLIP", "CLIP")
        return self.scorer.probabilities(encoder.embed(img)).mean(dim=1)


class ARNIQA(Measure):
    """ARNIQA as its authors' hub offers it: ``ARNIQA(img, img_ds)``, both in ImageNet's normalisation.

    Parameters
    ----------
    regressor_dataset
        Data set of the regressor: live, csiq, tid2013, kadid10k, flive, spaq, clive or koniq10k.
    encoder, regressor
        Files in place of the published ones, as for ``methods.load("arniqa")``.
    """

    def __init__(
        self,
        regressor_dataset: str = "kadid10k",
        encoder: str | Path = "official",
        regressor: str | Path | None = None,
    ) -> None:
        super().__init__()
        told = {"encoder": encoder, "regressor": regressor, "regressor_dataset": regressor_dataset}
        whole: Any = methods.load("arniqa", **told).as_module()
        self.encoder: Any = whole.encoder
        self.regressor: Any = whole.regressor
        self.opinions = whole.opinions

    def forward(
        self, img: Tensor, img_ds: Tensor, return_embedding: bool = False, scale_score: bool = True
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Score pictures given at full and at half scale.

        Parameters
        ----------
        img, img_ds
            ``[B, 3, H, W]`` and ``[B, 3, H // 2, W // 2]``.
        return_embedding
            Give the features ``[B, 2 D]`` of both scales as well.
        scale_score
            Scale to 0 to 1 over the range of the data set's opinions, higher better; else in their own range
            and direction.

        Returns
        -------
        Tensor, or two of them
            Scores ``[B]``, and the features where they are asked for.

        Raises
        ------
        ValueError
            If a batch was not normalised as ImageNet's pictures are, or the second is not half the first.
        """
        for batch in (img, img_ds):
            check_normalised(batch, self.encoder.mean, self.encoder.std, "ARNIQA", "ImageNet")
        count, _, height, width = img.shape
        tall, wide = img_ds.shape[2:]
        if len(img_ds) != count or abs(2 * tall - height) > 1 or abs(2 * wide - width) > 1:
            raise ValueError(
                f"ARNIQA: img_ds must be img at half scale, [{count}, 3, {height // 2}, {width // 2}], not "
                f"{list(img_ds.shape)}; methods.load('arniqa').as_module() halves pictures itself"
            )
        embedding = torch.cat([self.encoder.describe(batch) for batch in (img, img_ds)], dim=1)
        score = self.regressor(embedding)
        score = self.opinions.scaled(score) if scale_score else score
        return (score, embedding) if return_embedding else score


def check_normalised(images: Tensor, mean: Tensor, std: Tensor, name: str, whose: str) -> None:
    """Refuse a batch that was not normalised as a model of the hub needs it.

    Values outside what [0, 1] becomes are no such pictures. Values that all lie in [0, 1] could be plain
    pixels, or a normalised picture of little contrast: the latter if they fall onto grey levels of 8 bits.

    Parameters
    ----------
    images
        The batch.
    mean, std
        ``[1, 3, 1, 1]``, of the normalisation.
    name, whose
        The model, and whose normalisation it is, for messages.

    Raises
    ------
    ValueError
        Saying what is wrong, and what takes such pictures.
    """
    shape = list(images.shape)
    if images.ndim != 4 or shape[1] != 3 or not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.")
        raise ValueError(f"{name}: img must be [B, 3, H, W] of floats, not {shape} of {kind}")
    if not images.numel() or images.is_meta or isinstance(images, FakeTensor):
        return
    values = images.detach()
    cure = (
        f"the hub's {name} takes {whose}'s normalisation, transforms.Normalize({_numbers(mean)}, "
        f"{_numbers(std)}) of pictures in [0, 1]; methods.load({name.lower()!r}).as_module() takes [0, 1]"
    )
    if not bool(values.isfinite().all()):
        raise ValueError(f"{name}: {int((~values.isfinite()).sum())} values are NaN or infinite")
    rounding = torch.finfo(images.dtype).eps
    pixels = values.float() * std.float() + mean.float()
    low, high = (value.item() for value in pixels.aminmax())
    if low < -TOLERANCE - rounding or high > 1 + TOLERANCE + rounding:
        raise ValueError(f"{name}: values that stand for pixels from {low:.3g} to {high:.3g}: {cure}")
    if values.min() >= 0 and values.max() <= 1:
        levels = 255 * pixels
        if (levels - levels.round()).abs().max() > min(0.1, 0.01 + 50 * rounding):
            raise ValueError(f"{name}: all values lie in [0, 1], as of pictures not normalised: {cure}")


def _numbers(values: Tensor) -> str:
    return str([round(value, 8) for value in values.flatten().double().tolist()])
