"""Scores that somebody else has made, in the place of a cell that would otherwise be computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark import exchange
from benchmark.exchange.record import parsed
from benchmark.files import web
from benchmark.images.addresses import is_address
from benchmark.method import TRAINED, Trained
from experiments.runs import results, stage
from experiments.runs.cells import Cells
from experiments.scoring.dataset import Model, made_from
from experiments.scoring.rescored import rescored
from experiments.settings import Settings

#: Seconds for a record or its scores to come.
PATIENCE = 600.0


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: ``here``, ``taken``, ``not offered``, ``other`` (version, data) or ``fails``."""

    method: str
    dataset: str
    what: str
    why: str = ""


def fetch(source: str, settings: Settings, rescore: int) -> Iterator[Outcome]:
    """Take what ``source`` offers for the methods and data sets that are here.

    Taken are scores by the very version of the method that was trained here, of the very pictures and
    opinions that are prepared here, whose figures all hold, and of which ``rescore`` pictures drawn from the
    scores' digest score alike here. The stage ``score`` then keeps them as if it had made them.

    Parameters
    ----------
    source
        A folder of records, or the address of one: ``SOURCE/METHOD/DATASET.json``, the scores beside.
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
                what, why = _cell(source, method, name, settings, rescore)
                yield Outcome(method, name, what, why)


def _cell(source: str, method: str, name: str, settings: Settings, rescore: int) -> tuple[str, str]:
    model, data = Model(stage.MODELS / method), results.dataset(name)
    about = made_from(model, data, settings, engine=settings.score.engine)
    cells = Cells(stage.RESULTS / "scores" / method)
    if cells.kept(f"{name}.csv", about):
        return "here", ""
    try:
        record, scores = _offered(source, f"{method}/{name}")
    except (ValueError, FileNotFoundError) as error:
        return "not offered", str(error)
    if record.method.version != Trained.read(model.folder).version:
        return "other", f"scores are of version {record.method.version[:12]} of the method"
    checks = exchange.check(record, scores, data)
    if all(one.outcome == "holds" for one in checks[:-1]):
        checks[-1] = rescored(record, scores, data, rescore)
    wrong = [f"{one.what}: {one.why}" for one in checks if one.outcome != "holds"]
    if wrong:
        return ("fails" if any(one.outcome == "fails" for one in checks) else "other"), wrong[0]
    cells.put(f"{name}.csv", about, scores)
    return "taken", f"{record.scores.rows:,} scores"


def _offered(source: str, place: str) -> tuple[exchange.Record, bytes]:
    """Return the record and the scores at a place of a folder or an address.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is none, or it is not one.
    """
    if not is_address(source):
        path = Path(source) / f"{place}.json"
        record, scores = exchange.read(path), exchange.beside(path)
        if scores is None:
            raise ValueError(f"{path}: no scores lie beside")
        return record, scores
    found = []
    for ending, largest in exchange.LARGEST.items():
        url = f"{source.rstrip('/')}/{place}{ending}"
        try:
            found.append(web.read(url, seconds=PATIENCE, largest=largest))
        except ValueError as error:
            raise ValueError(f"{url}: {error}") from error
    return parsed(found[0], place), found[1]


def check_source(source: str) -> None:
    """Raise ValueError where a source is neither an address nor a folder."""
    if is_address(source):
        web.check_address(source)
    elif not Path(source).is_dir():
        raise ValueError(f"{source}: is not a folder of records, nor an address")
