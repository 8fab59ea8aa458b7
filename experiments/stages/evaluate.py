"""Stage ``evaluate``: agreement of every method with the scores of every data set, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import pandas as pd

from benchmark import files
from benchmark.protocols import (
    Resampling,
    across_sets,
    by_distortion,
    differences,
    discrimination,
    facts,
    learnt_opinions,
    named_in,
    shared,
    structure,
    wins,
    zero_shot,
)
from benchmark.provenance import published
from benchmark.statistics import Tally
from experiments import process
from experiments.runs import available, results, signatures, stage
from experiments.runs.cells import Cells, Tables, code
from experiments.settings import Settings

KEYS = ["method", "dataset"]
PAIR = ["dataset", "method_a", "method_b"]
TESTS = ["method_a", "method_b", "median_difference", "n", "p", "p_holm", "smallest_p", "p_nemenyi"]
RANKS = ["method", "mean_rank", "n", "p", "critical_difference", "power", "left_out"]


def evaluate() -> None:
    """Write every table of agreement (``dvc.yaml`` lists them)."""
    settings = available.narrowed(stage.start(torch=False))
    about = results.abouts(settings.methods)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    cells, digests = Cells(stage.RESULTS / "agreement"), Digests()
    for dataset in settings.score.datasets:
        for name, tables in _one_set(dataset, about, settings, cells, digests).items():
            found[name] += tables
    cells.close()
    for name, tables in found.items():
        signatures.write_tidy(tables, KEYS_OF[name], stage.TABLES / f"{name}.csv", about=about)
    files.write_csv(published.of(settings.score.datasets), stage.TABLES / "published.csv")
    whole = pd.concat(found["zero_shot"], ignore_index=True)
    files.write_json(metrics(whole), stage.RESULTS / "metrics.json")
    _across(whole, pd.concat(found["differences"], ignore_index=True) if found["differences"] else None)


def metrics(whole: pd.DataFrame) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return SRCC and PLCC by data set and method, which ``dvc metrics show`` and ``dvc exp show`` print."""
    rows = whole[whole["statistic"].isin(["srcc", "plcc"])]
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for dataset, method, name, value in rows[[*reversed(KEYS), "statistic", "value"]].itertuples(index=False):
        shown = None if pd.isna(value) else round(value, 4)  # JSON knows no NaN
        found.setdefault(dataset, {}).setdefault(method, {})[name] = shown
    return found


KEYS_OF = {
    "zero_shot": KEYS,
    "by_distortion": [*KEYS, "distortion"],
    "structure": KEYS,
    "differences": PAIR,
    "discrimination": KEYS,
    "discrimination_differences": PAIR,
}


def _one_set(
    dataset: str, about: Mapping[str, dict[str, Any]], settings: Settings, cells: Cells, digests: Digests
) -> dict[str, list[pd.DataFrame]]:
    """Every table of one data set, by the name of its file; without what this data set cannot give."""
    data = results.pictured(dataset, settings.prepare)
    names = available.scored_by(list(about), dataset)
    overlaps = {name: leak(about[name], data, settings.train.dataset, digests) for name in names}
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    for name in names:
        better = bool(about[name]["higher_is_better"])
        own = _agreement(name, better, data, settings, cells)
        keys = {"method": name, "dataset": dataset}
        found["zero_shot"].append(_compared(own["zero_shot"].assign(**keys), about[name], overlaps[name]))
        if "by_distortion" in own:
            found["by_distortion"].append(own["by_distortion"].assign(**keys, overlap=overlaps[name]))
        if "structure" in own:
            found["structure"].append(own["structure"].assign(**keys))
    direction = {name: bool(about[name]["higher_is_better"]) for name in names}
    pairs = _pairs(direction, data, settings, cells)
    if "differences" in pairs:
        found["differences"].append(pairs["differences"].assign(dataset=dataset))
    if "areas" in pairs:
        areas = pairs["areas"].assign(dataset=dataset)
        found["discrimination"].append(areas.assign(overlap=areas["method"].map(overlaps)))
        found["discrimination_differences"].append(pairs["tested"].assign(dataset=dataset))
    return found


def _agreement(method: str, better: bool, data: results.Dataset, settings: Settings, cells: Cells) -> Tables:
    """Agreement of one method with the opinions of a data set: whole, by distortion and by structure."""
    name = data.root.name
    about = _made_from({method: better}, data, settings)

    def make() -> Tables:
        frame, manifest = results.method_scores(method, name), data.manifest
        each: dict[str, Any] = {"higher_is_better": better, **_common(data), "how": _how(settings)}
        found = {"zero_shot": zero_shot(frame, manifest, **each, mapping=settings.evaluate.mapping)}
        if manifest["distortion"].notna().any():
            found["by_distortion"] = by_distortion(frame, manifest, **each)
        if manifest["mos"].notna().any():
            sizes = _files(data, cells)
            known = frame[frame["image"].isin(sizes["image"])]
            found["structure"] = structure(known, manifest, sizes, **each)
        return found

    return cells.tables(f"{name}/{method}", about, make)


def _files(data: results.Dataset, cells: Cells) -> pd.DataFrame:
    """Size of each picture, in pixels and in bytes, from its header."""
    about = {"code": code("experiments.stages.evaluate"), "of": stage.sha256(results.stated_in(data))}
    images = data.manifest["image"].tolist()
    return cells.tables(f"{data.root.name}.files", about, lambda: {"files": facts(data.root, images)})[
        "files"
    ]


def _pairs(direction: Mapping[str, bool], data: results.Dataset, settings: Settings, cells: Cells) -> Tables:
    """What compares methods on one data set: paired differences, and how far scores tell pictures apart."""
    name, own = data.root.name, settings.evaluate
    ratings = own.ratings.get(name, 1)
    about = _made_from(direction, data, settings) | {"ratings": ratings}
    counts = Counts(cells, name)

    def make() -> Tables:
        manifest, found = data.manifest, {}
        frames = {method: results.method_scores(method, name) for method in direction}
        # A method that scored nothing would leave no image that all have scored.
        frames = {method: frame for method, frame in frames.items() if frame["score"].notna().any()}
        each: dict[str, Any] = {"higher_is_better": {m: direction[m] for m in frames}, **_common(data)}
        if len(frames) > 1:
            found["differences"] = differences(frames, manifest, **each, how=_how(settings))
        if frames and manifest["mos_std"].notna().any():
            with counts.kept() as tallies:
                tables = discrimination(frames, manifest, **each, ratings=ratings, tallies=tallies)
            found["areas"], found["tested"] = tables
        return found

    return cells.tables(f"{name}.pairs", about, make)


class Counts:
    """Counts of pairs of a data set's images: sorting the pairs of a method is what takes long.

    So a further method sorts its own pairs and no others.
    """

    def __init__(self, cells: Cells, dataset: str) -> None:
        self._cells, self._name = cells, f"{dataset}.counts.npz"
        self._about = {"code": code("benchmark.statistics.pairs")}
        self._here = cells.kept(self._name, self._about)  # stays, needed or not

    @contextmanager
    def kept(self) -> Iterator[dict[str, Tally]]:
        """What there is, to be added to."""
        arrays = self._cells.arrays(self._name) if self._here else {}
        tallies = {name: Tally.unpacked(array) for name, array in arrays.items()}
        yield tallies
        packed = {name: tally.packed() for name, tally in tallies.items()}
        self._cells.put(self._name, self._about, files.packed(packed, compressed=True))


def _made_from(direction: Mapping[str, bool], data: results.Dataset, settings: Settings) -> dict[str, Any]:
    """What tables of some methods on a data set rest on."""
    paths = [results.scores_of(method, data.root.name) for method in direction]
    return {
        "code": code("experiments.stages.evaluate"),
        "of": [
            [method, better, stage.sha256([path])]
            for (method, better), path in zip(direction.items(), paths, strict=True)
        ],
        "dataset": stage.sha256(results.stated_in(data)),
        "how": [repr(_how(settings)), settings.evaluate.mapping],
    }


def _how(settings: Settings) -> Resampling:
    own = settings.evaluate
    return Resampling(own.resamples, settings.seed, own.interval)


def _common(data: results.Dataset) -> dict[str, Any]:
    return {"mos_higher_is_better": data.record.higher_is_better}


def _compared(table: pd.DataFrame, about: dict[str, Any], overlap: bool | str) -> pd.DataFrame:
    """Add the published figure, and whether the method has learnt from these pictures."""
    table = published.attach(table, method=results.published_as(about), opinions_of=opinions_of(about))
    return table.assign(overlap=overlap)


def opinions_of(about: dict[str, Any]) -> str:
    """Return the data sets whose opinions a method learnt, here or before it was published; or ""."""
    return " ".join(dict.fromkeys(f"{about['rated']} {about['card'].get('opinions_of', '')}".split()))


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
    about: dict[str, Any], data: results.Dataset, pristine: str, digests: Digests | None = None
) -> bool | Literal["unknown"]:
    """Whether a method has learnt from the pictures of a data set, or their opinions.

    Parameters
    ----------
    about
        Its ``method.json``.
    data
        What it is tested on.
    pristine
        Name of the data set of pictures that methods learn from here.
    digests
        What is known of the pictures of data sets already.
    """
    digests = digests or Digests()
    card = about["card"]
    learnt = learnt_opinions(opinions_of(about), bool(card.get("opinion_aware")), data.record.name)
    by_people = data.record.rated_by == "people"
    if learnt is True or (by_people and named_in(card["training_data"], data.record.title)):
        return True
    if about["weights_sha256"]:  # something was learnt here
        learnt_from = digests.of(pristine, training=True)
        if about["rated"]:
            learnt_from = learnt_from | digests.of(about["rated"])
        if shared(learnt_from, results.digests(data)) > 0:
            return True
    return learnt if by_people else False


def _across(whole: pd.DataFrame, pairs: pd.DataFrame | None) -> None:
    """Write ``wins.csv`` and, over data sets, ``across_sets.csv`` and ``mean_ranks.csv``.

    A method is compared on no data set that it has learnt from, or may have: what is unknown is not fair.
    """
    learnt_there = whole["overlap"].astype(str).ne("False")
    counted = pd.DataFrame(columns=["method_a", "method_b", "wins", "ties", "losses"])
    if pairs is not None:
        learnt = set(zip(whole["method"][learnt_there], whole["dataset"][learnt_there], strict=True))
        kept = [
            not {(row["method_a"], row["dataset"]), (row["method_b"], row["dataset"])} & learnt
            for row in pairs.to_dict("records")
        ]
        counted = wins(pairs[kept])
    files.write_csv(counted, stage.TABLES / "wins.csv")
    fair = whole[~learnt_there]
    rated = fair[fair["statistic"].eq("srcc")]
    tests, ranks = pd.DataFrame(columns=TESTS), pd.DataFrame(columns=RANKS)
    if min(len(rated["dataset"].unique()), len(rated["method"].unique())) > 1:
        tests, mean = across_sets(fair)
        pairs_of = zip(tests["method_a"], tests["method_b"], strict=True)
        tests["p_nemenyi"] = [mean.nemenyi.loc[a, b] for a, b in pairs_of]
        ranks = mean.ranks.rename("mean_rank").rename_axis("method").reset_index()
        ranks = ranks.assign(n=mean.n, p=mean.p, critical_difference=mean.critical_difference)
        ranks = ranks.assign(power=mean.power, left_out=" ".join(mean.left_out))
    files.write_csv(tests[TESTS], stage.TABLES / "across_sets.csv")
    files.write_csv(ranks[RANKS], stage.TABLES / "mean_ranks.csv")


if __name__ == "__main__":
    process.run(evaluate)
