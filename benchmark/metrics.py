"""Methods as metrics of torchmetrics, for the training loops of others (the extra ``torchmetrics``)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmark.method import Method
from benchmark.scoring.guard import scores_of

try:
    from torchmetrics import Metric
except ImportError as error:
    raise ImportError(
        "benchmark.metrics needs torchmetrics: install it, or the extra `torchmetrics` of qualibench"
    ) from error


class QualityScore(Metric):
    """Mean score of pictures by a method.

    Batches and processes weigh by their pictures: what the metric keeps is the sum of the scores, in two
    parts, and their number, summed over processes.

    Parameters
    ----------
    method
        A method or its module, as ``methods.load`` and ``as_module`` give them. It scores where it lies; the
        states lie where the metric does.
    **settings
        Settings of ``torchmetrics.Metric``.

    Examples
    --------
    >>> import torch, methods
    >>> from benchmark.metrics import QualityScore
    >>> quality = QualityScore(methods.load("sharpness"))
    >>> quality.update(torch.zeros(2, 3, 8, 8))
    >>> quality.compute()
    tensor(0.)
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = property(lambda self: self.method.higher_is_better)

    total: Tensor
    rest: Tensor
    count: Tensor

    def __init__(self, method: Method, **settings: Any) -> None:
        super().__init__(**settings)
        self.method = method
        # What float32 cannot hold of the sum is kept beside it: not every device has float64.
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("rest", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, images: Tensor) -> None:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]).

        Raises
        ------
        ValueError
            If the method refuses them, or a score is not finite.
        TypeError
            If it gives another thing than one number a picture.
        """
        scores = scores_of(self.method.score(images), len(images), f"{self.method.name}: score")
        if not bool(scores.isfinite().all()):
            raise ValueError(
                f"{self.method.name}: {int((~scores.isfinite()).sum())} of {len(scores)} scores are not "
                "finite"
            )
        exact = self._sum() + scores.double().sum().cpu()
        total = exact.float()
        self.total, self.rest = total.to(self.total), (exact - total).to(self.rest)
        self.count += len(scores)

    def compute(self) -> Tensor:
        """Return the mean score of all pictures so far, NaN where there was none."""
        return (self._sum() / self.count.cpu()).to(self.total)

    def _sum(self) -> Tensor:
        return self.total.cpu().double() + self.rest.cpu()
