"""Whether a method has learnt from the pictures of a data set, or from their opinions."""

from __future__ import annotations

from typing import Literal

from benchmark.method import Trained
from benchmark.protocols import learnt_from, shared
from experiments.runs import results


def opinions_of(method: Trained) -> str:
    """Return the data sets whose opinions a method learnt, here or before it was published; or ""."""
    return " ".join(dict.fromkeys(f"{method.rated} {method.card.opinions_of}".split()))


class Digests:
    """Digests of the pictures of data sets, of each read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], set[str]] = {}

    def of(self, name: str, *, training: bool = False) -> set[str]:
        """All of a data set's, or those of its part for training."""
        if (name, training) not in self._known:
            data = results.dataset(name)
            images = results.split(data) if training else None
            self._known[name, training] = results.digests(data, images)
        return self._known[name, training]


def leak(
    method: Trained, data: results.Dataset, pristine: str, digests: Digests | None = None
) -> bool | Literal["unknown"]:
    """Whether a method has learnt from the pictures of a data set, or their opinions.

    Parameters
    ----------
    method
        What its training wrote down.
    data
        What it is tested on.
    pristine
        Name of the data set of pictures that methods learn from here.
    digests
        What is known of the pictures of data sets already.
    """
    digests = digests or Digests()
    card, about = method.card, data.record
    learnt = learnt_from(
        opinions_of(method), card.opinion_aware, card.training_data,
        dataset=about.name, title=about.title, by_people=about.rated_by == "people",
    )  # fmt: skip
    if learnt is True:
        return True
    if pictures_learnt(method, data, pristine, digests):
        return True
    if method.weights_sha256 and method.rated and shared(digests.of(method.rated), results.digests(data)):
        return True
    return learnt


def pictures_learnt(method: Trained, data: results.Dataset, pristine: str, digests: Digests) -> bool:
    """Whether weights that were learnt here have seen a picture of a data set, whatever its opinions.

    That is what features can have learnt: opinions are left to what is fitted to them.
    """
    learnt = method.weights_sha256 and digests.of(pristine, training=True)
    return bool(learnt and shared(learnt, results.digests(data)))
