"""Scores that somebody else has made, in the place of a cell that would otherwise be computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark import exchange
from benchmark.method import TRAINED, Trained
from experiments.runs import results, stage, unchanged
from experiments.runs.cells import Cells
from experiments.scoring.dataset import Model, made_from
from experiments.scoring.offers import Offer
from experiments.scoring.rescored import asked
from experiments.settings import Settings

#: Checks that hold only once the method was asked, or never.
BY_THE_METHOD = (exchange.CARD, exchange.COST, exchange.GIVEN)


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: ``here``, ``taken``, ``not offered``, ``other`` (version, data) or ``fails``."""

    method: str
    dataset: str
    what: str
    why: str = ""


def fetch(offered: Offer, settings: Settings, rescore: int) -> Iterator[Outcome]:
    """Take what is offered for the methods and data sets that are here.

    Taken are scores by the very version of the method that was trained here, of the very pictures and
    opinions that are prepared here, whose figures all hold, and of which ``rescore`` pictures drawn from the
    scores' digest score alike here. The stage ``score`` then keeps them as if it had made them.

    Parameters
    ----------
    offered
        Gives the record and the scores of a method on a data set (`experiments.scoring.offers`).
    settings
        Of this run.
    rescore
        Pictures of each that are scored anew, at least 1.
    """
    for method in settings.methods:
        if not (stage.MODELS / method / TRAINED).is_file():
            continue
        for name in settings.score.datasets:
            if results.is_prepared(name):
                what, why = _cell(offered, method, name, settings, rescore)
                yield Outcome(method, name, what, why)


def _cell(offered: Offer, method: str, name: str, settings: Settings, rescore: int) -> tuple[str, str]:
    model, (data, lacking) = Model(stage.MODELS / method), unchanged.known(name)
    if data is None:
        return "other", lacking
    about = made_from(model, data, settings, engine=settings.score.engine)
    cells = Cells(stage.RESULTS / "scores" / method)
    if cells.kept(f"{name}.csv", about):
        return "here", ""
    try:
        record, scores = offered(f"{method}/{name}")
    except (ValueError, OSError) as error:
        return "not offered", str(error)
    if record.method.version != Trained.read(model.folder).version:
        return "other", f"scores are of version {record.method.version[:12]} of the method"
    checks = exchange.check(record, scores, data)
    if all(one.outcome == "holds" for one in checks if one.what not in BY_THE_METHOD):
        checks = asked(checks, record, scores, data, rescore)
    wrong = [
        f"{one.what}: {one.why}" for one in checks if one.outcome != "holds" and one.what != exchange.COST
    ]
    if wrong:
        return ("fails" if any(one.outcome == "fails" for one in checks) else "other"), wrong[0]
    cells.put(f"{name}.csv", about, scores)
    return "taken", f"{record.scores.rows:,} scores"
