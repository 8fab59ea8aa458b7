"""Stage ``evaluate``: agreement of every method with the scores of every data set, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import pandas as pd

from benchmark import files
from benchmark.protocols import (
    Resampling,
    by_distortion,
    ceilings,
    discrimination,
    facts,
    learnt_opinions,
    named_in,
    shared,
    structure,
    zero_shot,
)
from benchmark.protocols.calibration import OnOneScale, pairs_by_gap, transferred
from benchmark.protocols.paired import differences_of, joint, resolvable_of
from benchmark.protocols.rows import describe
from benchmark.protocols.samples import join
from benchmark.provenance import published
from benchmark.statistics import Tally
from experiments import process
from experiments.analyses import over_sets
from experiments.analyses.over_sets import OneSet
from experiments.runs import available, results, signatures, stage
from experiments.runs.cells import Cells, Tables, code
from experiments.settings import Settings

KEYS = ["method", "dataset"]
PAIR = ["dataset", "method_a", "method_b"]


def evaluate() -> None:
    """Write every table of agreement (``dvc.yaml`` lists them)."""
    settings = available.narrowed(stage.start(torch=False))
    about = results.abouts(settings.methods)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    cells, digests = Cells(stage.RESULTS / "agreement"), Digests()
    joint_of: dict[str, OneSet] = {}
    for dataset in settings.score.datasets:
        tables, together = _one_set(dataset, about, settings, cells, digests)
        if together is not None:
            joint_of[dataset] = together
        for name, parts in tables.items():
            found[name] += parts
    for name, one in about.items():
        found["calibration"] += _calibration(name, bool(one["higher_is_better"]), found, settings, cells)
    cells.close()
    for name, parts in found.items():
        signatures.write_tidy(parts, KEYS_OF[name], stage.TABLES / f"{name}.csv", about=about)
    files.write_csv(published.of(settings.score.datasets), stage.TABLES / "published.csv")
    whole = pd.concat(found["zero_shot"], ignore_index=True)
    files.write_json(metrics(whole), stage.RESULTS / "metrics.json")
    pairs = pd.concat(found["differences"], ignore_index=True) if found["differences"] else None
    over_sets.write(whole, pairs, joint_of, settings.seed)


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
    "ranks": KEYS,
    "resolvable": ["dataset"],
    "ceiling": ["dataset"],
    "pairs_by_gap": [*KEYS, "gap"],
    "calibration": ["method", "train", "test"],
    "discrimination": KEYS,
    "discrimination_differences": PAIR,
}


def _one_set(
    dataset: str,
    about: Mapping[str, dict[str, Any]],
    settings: Settings,
    cells: Cells,
    digests: Digests,
) -> tuple[dict[str, list[pd.DataFrame]], OneSet | None]:
    """Every table of one data set, by the name of its file, and what is compared over data sets.

    Without what this data set cannot give.
    """
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
        if "gaps" in own:
            found["pairs_by_gap"].append(own["gaps"].assign(**keys, overlap=overlaps[name]))
    ceiling = _ceiling(data, settings, cells)
    if len(ceiling):
        found["ceiling"].append(ceiling.assign(dataset=dataset))
    direction = {name: bool(about[name]["higher_is_better"]) for name in names}
    pairs = _pairs(direction, data, settings, cells)
    together = None
    if "differences" in pairs:
        found["differences"].append(pairs["differences"].assign(dataset=dataset))
        found["resolvable"].append(resolvable_of(pairs["differences"]).assign(dataset=dataset))
        if "draws" in pairs:
            fair = tuple(name for name, overlap in overlaps.items() if overlap is False)
            one = pairs["joint"].iloc[0]
            value = pairs["values"].set_index("method")["value"]
            about_set = (int(one["n"]), int(one["units"]), str(one["protocol"]), fair)
            together = OneSet(value, pairs["draws"], *about_set)
            found["ranks"].append(together.ranks(pairs["differences"]).assign(dataset=dataset))
    if "areas" in pairs:
        areas = pairs["areas"].assign(dataset=dataset)
        found["discrimination"].append(areas.assign(overlap=areas["method"].map(overlaps)))
        found["discrimination_differences"].append(pairs["tested"].assign(dataset=dataset))
    return found, together


def _agreement(method: str, better: bool, data: results.Dataset, settings: Settings, cells: Cells) -> Tables:
    """Agreement of one method with the opinions of a data set: whole, by distortion and by structure."""
    name = data.root.name
    about = _made_from({method: better}, data, settings)

    def make() -> Tables:
        frame, manifest = results.method_scores(method, name), _rated(data, settings)
        each: dict[str, Any] = {"higher_is_better": better, **_common(data), "how": _how(settings)}
        found = {"zero_shot": zero_shot(frame, manifest, **each, mapping=settings.evaluate.mapping)}
        if manifest["distortion"].notna().any():
            found["by_distortion"] = by_distortion(frame, manifest, **each)
        if manifest["mos"].notna().any():
            sizes = _files(data, cells)
            known = frame[frame["image"].isin(sizes["image"])]
            found["structure"] = structure(known, manifest, sizes, **each)
        if (scaled := _on_one_scale(method, better, data, settings)) is not None:
            found["gaps"] = pairs_by_gap(scaled)
        return found

    return cells.tables(f"{name}/{method}", about, make)


def _on_one_scale(method: str, better: bool, data: results.Dataset, settings: Settings) -> OnOneScale | None:
    """Scores of a method and opinions on [0, 1]; None where there are too few, or the range has no ends."""
    record = data.record
    frame = results.method_scores(method, data.root.name)
    samples = join({method: frame}, data.manifest, {method: better}, record.higher_is_better).rated()
    if len(samples.frame) < 2:
        return None
    return OnOneScale.of(samples, record.low, record.high, record.higher_is_better)


def _calibration(
    method: str, better: bool, found: Mapping[str, list[pd.DataFrame]], settings: Settings, cells: Cells
) -> list[pd.DataFrame]:
    """Map a method's scores to opinions on each data set, and see how that map errs on the others."""
    whole = [frame for frame in found["zero_shot"] if frame["method"].iloc[0] == method]
    learnt = {frame["dataset"].iloc[0]: frame["overlap"].iloc[0] for frame in whole}
    sets = {name: results.dataset(name) for name in learnt}
    about = {name: _made_from({method: better}, data, settings) for name, data in sets.items()}

    def make() -> Tables:
        scaled = {name: _on_one_scale(method, better, data, settings) for name, data in sets.items()}
        there = {name: one for name, one in scaled.items() if one is not None}
        return {"maps": transferred(there, settings.evaluate.mapping)}

    table = cells.tables(f"calibration/{method}", about, make)["maps"]
    return [table.assign(method=method, overlap=table["test"].map(learnt))] if len(table) else []


def _files(data: results.Dataset, cells: Cells) -> pd.DataFrame:
    """Size of each picture, in pixels and in bytes, from its header."""
    about = {"code": code("experiments.stages.evaluate"), "of": stage.sha256(results.stated_in(data))}
    images = data.manifest["image"].tolist()
    return cells.tables(f"{data.root.name}.files", about, lambda: {"files": facts(data.root, images)})[
        "files"
    ]


def _pairs(direction: Mapping[str, bool], data: results.Dataset, settings: Settings, cells: Cells) -> Tables:
    """What compares methods on one data set: paired differences, and how far scores tell pictures apart."""
    name = data.root.name
    about = _made_from(direction, data, settings) | {"margin": settings.evaluate.margin}
    counts = Counts(cells, name)

    def make() -> Tables:
        manifest = _rated(data, settings)
        found: Tables = {}
        frames = {method: results.method_scores(method, name) for method in direction}
        # A method that scored nothing would leave no image that all have scored.
        frames = {method: frame for method, frame in frames.items() if frame["score"].notna().any()}
        each: dict[str, Any] = {"higher_is_better": {m: direction[m] for m in frames}, **_common(data)}
        if len(frames) > 1:
            found |= _compared_pairs(frames, manifest, each, settings)
        if frames and manifest["mos_std"].notna().any():
            with counts.kept() as tallies:
                tables = discrimination(frames, manifest, **each, ratings=None, tallies=tallies)
            found["areas"], found["tested"] = tables
        return found

    return cells.tables(f"{name}.pairs", about, make)


def _compared_pairs(
    frames: Mapping[str, pd.DataFrame], manifest: pd.DataFrame, each: dict[str, Any], settings: Settings
) -> Tables:
    """Paired differences, and what they rest on: the SRCC of each method in every resample of all."""
    found = joint(frames, manifest, **each, how=_how(settings))
    tables = {"differences": differences_of(found, margin=settings.evaluate.margin)}
    if found is not None:
        tables["values"] = pd.DataFrame({"method": found.names, "value": found.value})
        tables["draws"] = pd.DataFrame(found.draws.T, columns=found.names)
        words = describe(found.samples, found.how, "rank by SRCC on the images that all methods scored")
        facts = {"n": len(found.samples.frame), "units": found.samples.units, "protocol": words}
        tables["joint"] = pd.DataFrame([facts])
    return tables


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
        "ratings": settings.evaluate.ratings.get(data.root.name),
    }


def _ceiling(data: results.Dataset, settings: Settings, cells: Cells) -> pd.DataFrame:
    """How well a perfect method would agree with the opinions of a data set; empty where nobody knows."""
    about = _made_from({}, data, settings)

    def make() -> Tables:
        return {"ceiling": ceilings(_rated(data, settings), **_common(data))}

    return cells.tables(f"{data.root.name}.ceiling", about, make)["ceiling"]


def _rated(data: results.Dataset, settings: Settings) -> pd.DataFrame:
    """Manifest of a data set with the number of ratings behind each opinion, as the settings or it say."""
    return data.rated(settings.evaluate.ratings.get(data.root.name))


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


if __name__ == "__main__":
    process.run(evaluate)
