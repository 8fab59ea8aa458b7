"""Every no-reference metric of pyiqa (IQA-PyTorch) as a method: ``methods.load("pyiqa:topiq_nr")``.

An optional extra, because pyiqa is large and its licence forbids commercial use. It fetches and keeps its
weights by itself, in torch's and Hugging Face's caches.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmark import naming
from benchmark.method import Card
from methods._shared.devices import device
from methods._shared.exposure import opinions
from methods._shared.pyiqa_opinions import UNKNOWN, opinions_of

CARD = Card(
    title="pyiqa",
    paper="Chen, Mo: IQA-PyTorch: PyTorch Toolbox for Image Quality Assessment. 2022; each metric its own",
    licence="PolyForm Noncommercial 1.0.0 and S-Lab (pyiqa); the weights have their own",
    training_data="that of the metric: `methods/_shared/pyiqa_opinions.py`",
    opinion_aware=True,
    opinions_of=UNKNOWN,
    low=float("-inf"),
    high=float("inf"),
    weights="fetched by pyiqa at first use",
    input="as the metric asks",
    bibtex="""@misc{chen2022iqapytorch,
  title = {{IQA-PyTorch}: PyTorch Toolbox for Image Quality Assessment},
  author = {Chen, Chaofeng and Mo, Jiadi},
  howpublished = {https://github.com/chaofengc/IQA-PyTorch}, year = {2022}
}""",
)

#: Scores of another release are those of another version.
SCORED_BY = ("pyiqa",)

#: The setting that ``"pyiqa:<variant>"`` names.
VARIANT = "metric"

#: Name of the figures of pyiqa's own benchmark, by the metric that they are of.
FIGURES_OF = {
    **{name: name for name in ("brisque", "ilniqe", "maniqa", "niqe", "qalign", "topiq_nr")},
    **{"clipiqa": "clipiqa_pyiqa", "clipiqa+": "clipiqa_plus"},
}

#: Listed by pyiqa as no-reference, but they score sets of pictures, or a picture against a text.
NOT_OF_A_PICTURE = ("clipscore", "fid", "fid_dinov2", "inception_score", "sfid")


class PyiqaMetric:
    """One metric of pyiqa. Pictures are scored one by one, so that no score depends on a batch.

    Parameters
    ----------
    metric
        Its name in pyiqa.
    model
        What ``pyiqa.create_metric`` returned.
    """

    def __init__(self, metric: str, model: Any) -> None:
        self.name = f"pyiqa:{metric}"
        self.model = model
        self.higher_is_better = not model.lower_better
        self.card = card_of(metric, self.higher_is_better, str(model.score_range or ""))

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If the metric fails on a picture, as many do on small ones, or gives no finite number.
        """
        return torch.stack([self._one(image[None]) for image in images])

    def _one(self, image: Tensor) -> Tensor:
        size = f"a picture of {image.shape[3]}x{image.shape[2]}"
        # Some metrics crop at random: the same draws for every picture, and none taken from the caller.
        with torch.random.fork_rng(), torch.no_grad(), warnings.catch_warnings():
            torch.manual_seed(0)
            warnings.simplefilter("ignore")
            try:
                score = self.model(image).detach().float().cpu().reshape(-1)
            except torch.cuda.OutOfMemoryError:
                raise
            except (
                AssertionError,
                ArithmeticError,
                LookupError,
                RuntimeError,
                TypeError,
                ValueError,
            ) as error:
                raise ValueError(f"{self.name} fails on {size}: {error or type(error).__name__}") from error
        if score.numel() != 1 or not bool(score.isfinite().all()):
            raise ValueError(f"{self.name} gives {score.tolist()[:4]} for {size}")
        return score[0]


def load(metric: str) -> PyiqaMetric:
    """Load a metric of pyiqa.

    Parameters
    ----------
    metric
        Its name there, e.g. ``"topiq_nr"``; ``pyiqa.list_models("NR")`` lists them.

    Raises
    ------
    ValueError
        If pyiqa is not installed, knows no such metric of single pictures, or cannot fetch its weights.
    """
    pyiqa = _installed()
    known = [name for name in pyiqa.list_models("NR") if name not in NOT_OF_A_PICTURE]
    if metric not in known:
        why = (
            "compares pictures with others or with a text" if metric in pyiqa.list_models() else "is unknown"
        )
        raise ValueError(f"pyiqa: {metric!r} {why}; {naming.hint(metric, known)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = pyiqa.create_metric(metric, device=device())
    except OSError as error:  # what urllib, requests and huggingface_hub raise without a network
        raise ValueError(
            f"pyiqa: the weights of {metric!r} cannot be fetched ({error}); connect once, pyiqa keeps them"
        ) from error
    return PyiqaMetric(metric, model)


def card_of(metric: str, higher_is_better: bool, score_range: str) -> Card:
    """Card of a metric from pyiqa's metadata, and from this suite's list of what each learnt.

    pyiqa calls its ranges rough: a bound written ``~`` is told in words and not taken as one.
    """
    bounds = [part.strip() for part in score_range.split(",")]
    low, high = [
        float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else side
        for text, side in zip([*bounds, "", ""][:2], (CARD.low, CARD.high), strict=True)
    ]
    learnt = opinions_of(metric)
    known = learnt.of.replace(UNKNOWN, "").strip()
    return replace(
        CARD,
        title=f"{metric} (pyiqa)",
        training_data=learnt.words,
        opinion_aware=bool(learnt.of),
        opinions_of=learnt.of,
        exposure=opinions(known, learnt.source) if known else None,
        published_as=FIGURES_OF.get(metric, ""),
        low=low,
        high=high,
        higher_is_better=higher_is_better,
        input=f"as the metric asks; pyiqa states the range {score_range or 'nowhere'}",
    )


def _installed() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pyiqa
    except ImportError as error:
        raise ValueError(
            f"pyiqa is not installed ({error}); run `pip install 'qualibench[pyiqa]'`"
        ) from error
    return pyiqa
