"""From features to a score: a linear regressor that learnt from people's opinions of one data set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from benchmark import files, naming
from benchmark.protocols import Features, Resampling, fit_probe
from methods._shared.weights.tensor_files import read_tensors
from methods._shared.weights.told_by_name import check_name


@dataclass(frozen=True)
class Opinions:
    """Range and direction of the opinions of a data set."""

    low: float
    high: float
    higher_is_better: bool

    def scaled(self, opinion: Tensor) -> Tensor:
        """Map opinions to 0 to 1 over their range, higher better; nothing is clipped."""
        share = (opinion - self.low) / (self.high - self.low)
        return share if self.higher_is_better else 1 - share


#: Data sets of the published regressors, as the official ``hubconf.py`` states them.
DATASETS = {
    "live": Opinions(1, 100, higher_is_better=False),
    "csiq": Opinions(0, 1, higher_is_better=False),
    "tid2013": Opinions(0, 9, higher_is_better=True),
    "kadid10k": Opinions(1, 5, higher_is_better=True),
    "flive": Opinions(1, 100, higher_is_better=True),
    "spaq": Opinions(1, 100, higher_is_better=True),
    "clive": Opinions(1, 100, higher_is_better=True),
    "koniq10k": Opinions(1, 100, higher_is_better=True),
}


@dataclass(frozen=True)
class Regressor:
    """``features @ weights + bias``, and the opinions that it speaks of.

    Parameters
    ----------
    weights, bias
        ``[D]`` float64 and a number.
    opinions
        Of the data set that it learnt from.
    """

    weights: Tensor
    bias: float
    opinions: Opinions

    def __call__(self, features: Tensor) -> Tensor:
        """Return scores ``[...]`` of ``features [..., D]``: 0 to 1 over the opinions' range, higher better.

        Nothing is clipped: a picture unlike those of the data set may lie beyond.
        """
        return self.opinions.scaled(features.cpu().double() @ self.weights + self.bias).float()


def load_regressor(path: Path, width: int, dataset: str) -> Regressor:
    """Read a regressor: a published ``regressor_<dataset>.pth`` or a file of :func:`fit_regressor`.

    Published ones are TorchScript archives; their tensors are read and their code is not run.

    Parameters
    ----------
    path
        The file.
    width
        Length of the features.
    dataset
        A key of `DATASETS`; our own files name their opinions themselves.

    Raises
    ------
    ValueError
        If the data set is unknown or another than the file's name says, or the file is not such a regressor
        of features of this length.
    """
    tensors = read_tensors(path)
    if set(tensors) != {"weights", "biases"}:
        raise ValueError(
            f"{path} is not a regressor of ARNIQA: it holds {sorted(tensors)[:4]}, not weights, biases"
        )
    weights, bias = tensors["weights"].double().flatten(), tensors["biases"].double()
    if len(weights) != width or bias.numel() != 1:
        raise ValueError(f"{path} weighs {len(weights)} features; this encoder has {width} over both scales")
    opinions = _own_opinions(path)
    if opinions is None:
        opinions = opinions_of(dataset)
        check_name(path, {name: name for name in DATASETS}, dataset, "regressor_dataset")
    return Regressor(weights, float(bias), opinions)


def fit_regressor(
    features: Features, manifest: pd.DataFrame, path: Path, *, scale: Opinions, seed: int = 0
) -> float:
    """Fit Ridge regression to crops of a rated data set, each with the opinion of its picture, and write it.

    The penalty is chosen as `benchmark.protocols.probe` does, by the median SRCC on ten validation splits.

    Parameters
    ----------
    features
        Of the pictures, or of several crops of each.
    manifest
        ``image, mos`` and ``reference`` where it exists.
    path
        Safetensors file to write.
    scale
        Range and direction of the opinions.
    seed
        Of the splits.

    Returns
    -------
    float
        The penalty.
    """
    weights, bias, alpha = fit_probe(
        features, manifest, mos_higher_is_better=scale.higher_is_better, how=Resampling(seed=seed)
    )
    sign = 1.0 if scale.higher_is_better else -1.0  # a probe turns opinions so that higher is better
    tensors = {"weights": torch.from_numpy(sign * weights), "biases": torch.tensor([sign * bias])}
    files.write_bytes(path, save(tensors, {"opinions": json.dumps(vars(scale))}))
    return alpha


def _own_opinions(path: Path) -> Opinions | None:
    with path.open("rb") as file:
        if file.read(9)[8:] != b"{":
            return None
    with safe_open(path, framework="pt") as tensors:
        words = (tensors.metadata() or {}).get("opinions")
    return Opinions(**json.loads(words)) if words else None


def opinions_of(dataset: str) -> Opinions:
    """Range and direction of the opinions of a data set that a published regressor learnt from.

    Raises
    ------
    ValueError
        If there is none.
    """
    if dataset not in DATASETS:
        raise ValueError(
            f"regressor_dataset: there is no {dataset!r}; {naming.hint(dataset, list(DATASETS))}"
        )
    return DATASETS[dataset]
