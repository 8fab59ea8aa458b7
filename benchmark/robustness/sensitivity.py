"""How far a score moves when the picture has not become worse."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from PIL import Image
from torch import Tensor

from benchmark.arrays import Floats
from benchmark.method import Method
from benchmark.statistics import bootstrap, interval, srcc
from benchmark.statistics.calibration import mean_interval
from benchmark.statistics.estimates import Estimate, bounded, tidy
from benchmark.study import batches, scored

Rescore = Callable[[Method, Tensor], Tensor]
CROP = 0.9
RESIZE = 0.9
QUALITY = 95


def resized(images: Tensor) -> Tensor:
    """Bicubic with anti-aliasing, to nine tenths of each side."""
    size = [round(side * RESIZE) for side in images.shape[-2:]]
    return F.interpolate(images, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def cropped(images: Tensor) -> Tensor:
    """Middle of the picture, nine tenths of each side."""
    height, width = (round(side * CROP) for side in images.shape[-2:])
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    return images[..., top : top + height, left : left + width]


def recompressed(images: Tensor) -> Tensor:
    """JPEG of quality 95, colour at full resolution."""
    done = []
    for image in images:
        stream = io.BytesIO()
        pixels = (image * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        Image.fromarray(pixels).save(stream, "JPEG", quality=QUALITY, subsampling=0)
        done.append(torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1).float() / 255)
    return torch.stack(done).to(images)


def _halved_precision(method: Method, images: Tensor) -> Tensor:
    """Scores in bfloat16: the method's own way to them, which knows its device, or autocast around it."""
    own: Callable[[Tensor], Tensor] | None = getattr(method, "score_bf16", None)
    if own is not None:
        return own(images)
    with torch.autocast(images.device.type, torch.bfloat16):
        return method.score(images)


def _one_by_one(method: Method, images: Tensor) -> Tensor:
    return torch.cat([method.score(image[None]) for image in images])


#: What leaves the quality as it is, and how the score is taken then.
CHANGES: Mapping[str, Rescore] = MappingProxyType(
    {
        "resize": lambda method, images: method.score(resized(images)),
        "crop": lambda method, images: method.score(cropped(images)),
        "jpeg95": lambda method, images: method.score(recompressed(images)),
        "flip": lambda method, images: method.score(images.flip(-1)),
        "batch": _one_by_one,
        "precision": _halved_precision,
    }
)


def sensitivity(
    method: Method,
    images: Sequence[Tensor],
    changes: Mapping[str, Rescore] = CHANGES,
    *,
    batch: int = 8,
    resamples: int = 1000,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> pd.DataFrame:
    """Measure what harmless changes do to the scores of a method.

    The changes are a resize and a crop to nine tenths of each side, JPEG of quality 95, a horizontal flip,
    scoring each image by itself instead of in a batch, and bfloat16 arithmetic where the method computes in
    PyTorch.

    Parameters
    ----------
    method
        What is measured. One that sets its precision by itself has ``score_bf16(images)`` beside ``score``.
    images
        Pictures ``[3, H, W]`` in [0, 1] over the range of quality that matters: the standard deviation of
        their scores is the unit of the shifts.
    changes
        Name to a function of method and images that returns the new scores.
    batch
        Images scored together.
    resamples, seed
        Of the bootstrap of ``srcc``.
    groups
        Reference of each image, where they are made from references, which are the units of the intervals
        then; default: each image is its own.

    Returns
    -------
    DataFrame
        Tidy, keys ``method, change``; statistics ``shift`` (mean change towards better quality) and
        ``abs_shift`` (mean size), both in standard deviations of the scores, and ``srcc`` of the scores
        before and after.
        A method that scores all images alike has shifts in its own units and no SRCC; fewer than three images
        have none either. Values are NaN, and the protocol says why, where a change was none: bfloat16 moved
        no bit of any score, or no two images were scored together.

    Raises
    ------
    ValueError
        If there are no images, one is out of range, or a score is not finite.
    """
    before, together = np.empty(len(images)), 1
    after = {name: np.empty(len(images)) for name in changes}
    for places, stack in batches(images, batch):
        together = max(together, len(places))
        before[places] = scored(method, stack, "an untouched picture")
        for name, rescore in changes.items():
            after[name][places] = scored(_Rescored(method, rescore), stack, f"the change {name!r}")
    spread = float(before.std()) or 1.0
    sign = 1 if method.higher_is_better else -1
    units = len(images) if groups is None else len(np.unique(np.asarray(groups)))
    said = f"{len(images)} images" + ("" if groups is None else f" of {units} references")
    rows = []
    for name, scores in after.items():
        keys: dict[str, object] = {"method": method.name, "change": name}
        shift = sign * (scores - before) / spread
        found: dict[str, Estimate] = {
            "shift": (*mean_interval(shift, groups), len(shift)),
            "abs_shift": bounded((*mean_interval(np.abs(shift), groups), len(shift)), 0, np.inf),
            "srcc": _kept_order(before, scores, groups, (resamples, seed)),
        }
        why = _unchanged(name, bool((scores == before).all()), together)
        for statistic, estimate in found.items():
            estimate = (np.nan, np.nan, np.nan, len(images)) if why else estimate
            rows.append(tidy(keys, statistic, estimate, said + why, units=units))
    return pd.DataFrame(rows)


def _unchanged(name: str, same: bool, together: int) -> str:
    """Say why a change was none, so that its zeros would be no measurement; "" where it was one."""
    if name == "precision" and same:
        return "; precision: no bit of any score moved, so nothing of it is computed in bfloat16"
    if name == "batch" and together == 1:
        return "; batch: no two images of one size, so each was scored by itself anyway"
    return ""


class _Rescored:
    """A method that takes its scores in another way."""

    def __init__(self, method: Method, rescore: Rescore) -> None:
        self.name, self.higher_is_better = method.name, method.higher_is_better
        self._method, self._rescore = method, rescore

    def score(self, images: Tensor) -> Tensor:
        return self._rescore(self._method, images)


def _kept_order(before: Floats, after: Floats, groups: ArrayLike | None, draws: tuple[int, int]) -> Estimate:
    if len(before) < 3 or np.ptp(before) == 0 or np.ptp(after) == 0:
        return np.nan, np.nan, np.nan, len(before)
    resamples, seed = draws
    found = bootstrap(after, before, "srcc", groups=groups, resamples=resamples, seed=seed)[0]
    units = len(before) if groups is None else len(np.unique(np.asarray(groups)))
    return srcc(after, before), *interval(found, units=units), len(before)
