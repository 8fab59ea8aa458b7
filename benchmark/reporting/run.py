"""A finished (or half-finished) run as the notebooks see it: its files, names, settings and origin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.datasets.prepared.record import Record, read_record
from benchmark.figures import Drawing, encode
from benchmark.files import read_yaml
from benchmark.method import Card, Trained
from benchmark.provenance import bibtex
from benchmark.reporting import blocks, pipeline
from benchmark.reporting.html import Html
from benchmark.reporting.source import Source
from benchmark.tables import Labels, Table, mentioned

PACKAGES = (
    *("dvc", "matplotlib", "numpy", "open_clip_torch", "pandas", "papermill", "pillow", "piq"),
    *("scikit-image", "scikit-learn", "scipy", "seaborn", "torch", "torchvision"),
)


@dataclass(frozen=True)
class Run:
    """The files of a run.

    Parameters
    ----------
    results, data, models, params
        Where its folders and its settings lie: from the folder where one stands or, where its settings are
        not there, from the one above, for Jupyter starts a notebook in the notebook's own.
    commit
        Commit that the pages are made at, in words.
    """

    results: str = "results"
    data: str = "data"
    models: str = "models"
    params: str = "params.yaml"
    commit: str = ""

    @cached_property
    def _home(self) -> Path:
        above = Path("..")
        return above if not Path(self.params).exists() and (above / self.params).is_file() else Path()

    def path(self, name: str) -> Path:
        """Return where the file known as ``name`` (``results/...``, ``data/...``, ``models/...``) lies."""
        room, _, rest = name.partition("/")
        roots = {"results": self.results, "data": self.data, "models": self.models}
        if room not in roots:
            raise ValueError(f"{name}: a run has files in {', '.join(roots)} only")
        return self._home / roots[room] / rest

    def source(self, name: str) -> Source:
        """Read a result file, which may be missing."""
        path = self.path(name)
        return Source(name, pipeline.stage_of(name), path.read_bytes() if path.is_file() else None)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the run (``params.yaml``), empty where there are none."""
        path = self._home / self.params
        return read_yaml(path.read_text()) or {} if path.is_file() else {}

    @property
    def shows_pictures(self) -> bool:
        """Whether pages show pictures (``report.pictures``)."""
        return (self.settings.get("report") or {}).get("pictures") != "none"

    @cached_property
    def records(self) -> Mapping[str, Record]:
        """Record of each data set of the run that has been prepared, in the order of the settings."""
        paths = {name: self.path(f"data/{name}/record.json") for name in self.named}
        return {name: read_record(path) for name, path in paths.items() if path.is_file()}

    @cached_property
    def methods(self) -> Mapping[str, Trained]:
        """Each method of the run that has been trained, in the order of the settings."""
        folders = {name: self.path(f"models/{name}") for name in self.settings.get("methods", ())}
        return {name: Trained.read(at) for name, at in folders.items() if (at / "method.json").is_file()}

    @cached_property
    def labels(self) -> Labels:
        """Names as they are printed; a method is called what its card says it is."""
        methods = {name: str(name) for name in self.settings.get("methods", ())}
        methods |= {name: one.card.title for name, one in self.methods.items()}
        # Two rows may show one method with different weights: a reader must tell them apart.
        titles = list(methods.values())
        methods = {n: t if titles.count(t) == 1 else f"{t} ({n})" for n, t in methods.items()}
        methods |= {name: f"{methods[name]}, ablation {of}" for name, of in ablations(self.methods).items()}
        datasets = {name: record.title for name, record in self.records.items()}
        proxies = frozenset(name for name, record in self.records.items() if record.rated_by == "proxy")
        falling = frozenset(name for name, one in self.methods.items() if not one.card.higher_is_better)
        return Labels(methods, datasets, proxies, falling)

    def table(self, make: Callable[..., Table | list[Table]], *sources: Source, **options: Any) -> Html:
        """Show ``make(*frames, labels, **options)``, or a note that says what is missing.

        The first source must be there; another that is missing is given as None and noted.
        """
        first, *others = sources
        if first.content is None:
            return self.missing(first)
        if first.frame.empty:
            return blocks.empty(first.name)
        made = make(*(None if s.content is None else s.frame for s in sources), self.labels, **options)
        tables = made if isinstance(made, list) else [made]
        ablated = [self.settings.get("ablation", {}).get("method", "")] if _of_variants(first.frame) else []
        shown = []
        for table in tables:
            note = self.labels.proxy_note(table.datasets)
            cite = self.cited(table.methods.union(ablated), table.datasets)
            there = [other for other in others if other.content is not None]
            shown.append(blocks.table(table, first, note, cite, there))
        return Html.of([*shown, self.missing(*others)])

    def cited(self, methods: Iterable[str], datasets: Iterable[str]) -> str:
        """Return the BibTeX entries of methods and data sets, and who has none; "" where nobody has one."""
        named = {name.removesuffix("_shuffled") for name in methods}
        sets = set(datasets)
        cards: list[Card | Record] = [one.card for name, one in self.methods.items() if name in named]
        cards += [record for name, record in self.records.items() if name in sets]
        entries = {card.title: card.bibtex for card in cards}
        library = bibtex.library(entries.values())
        lacking = [title for title, text in entries.items() if not text]
        return f"% No entry: {'; '.join(lacking)}\n\n{library}" if library and lacking else library

    def figure(self, make: Callable[..., Drawing], *sources: Source, **options: Any) -> Html:
        """Show ``make(*frames, labels, **options)`` as a picture, or a note that says what is missing."""
        if any(s.content is None for s in sources):
            return self.missing(*sources)
        frames = [s.frame for s in sources]
        for source in sources:
            if source.frame.empty:
                return blocks.empty(source.name)
        datasets = frozenset[str]().union(*(mentioned(frame)["datasets"] for frame in frames))
        return self.drawing(make(*frames, self.labels, **options), sources, datasets)

    def drawing(self, drawing: Drawing, sources: Sequence[Source], datasets: Iterable[str] = ()) -> Html:
        """Show a figure made from ``sources``; in it stands which of ``datasets`` no human rated."""
        note = self.labels.proxy_note(datasets)
        return blocks.figure(drawing, encode(drawing, note), sources, note)

    def missing(self, *sources: Source) -> Html:
        """Show which of ``sources`` are missing and what makes them; nothing where all are there."""
        return Html.of([blocks.missing(s.name, s.command) for s in sources if s.content is None])

    def digests(self) -> pd.DataFrame:
        """Return every file that pages are made from: name, stage, SHA-256 (empty where missing)."""
        names = [f"data/{n}/{f}" for n in self.named for f in DATA_FILES]
        names += [f"models/{name}/method.json" for name in self.settings.get("methods", ())]
        names += [self.scores(*cell) for cell in self.cells()]
        kinds = PICTURE_FILES if self.shows_pictures else PICTURE_FILES[:-1]
        names += [f"results/pictures/{dataset}{kind}" for dataset in self.scored for kind in kinds]
        rows = []
        for source in map(self.source, [*names, *pipeline.files()]):
            digest = "" if source.content is None else hashlib.sha256(source.content).hexdigest()
            rows.append({"file": source.name, "stage": source.stage, "sha256": digest})
        return pd.DataFrame(rows, columns=["file", "stage", "sha256"])

    def cells(self) -> list[tuple[str, str]]:
        """Return every method with every data set that the settings have it score."""
        return [(method, dataset) for method in self.settings.get("methods", ()) for dataset in self.scored]

    @property
    def scored(self) -> list[str]:
        """Data sets that the settings have every method score: those listed, or all that have opinions."""
        listed = self.settings.get("score", {}).get("datasets")
        if listed is not None:
            return list(listed)
        return [n for n in self.named if n not in self.records or self.records[n].rated_by != "none"]

    @property
    def named(self) -> list[str]:
        """Data sets that the settings name."""
        return list(self.settings.get("prepare", {}).get("datasets", ()))

    @staticmethod
    def scores(method: str, dataset: str) -> str:
        """Return the name of the file that holds the scores of a method on a data set."""
        return f"results/scores/{method}/{dataset}.csv"

    @staticmethod
    def versions() -> dict[str, str]:
        """Return the installed version of each package that figures depend on."""
        found = {}
        for name in PACKAGES:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = "not installed"
        return found


PICTURE_FILES = (".csv", ".curves.csv", ".wrong.csv", ".zip")
DATA_FILES = ("record.json", "manifest.csv", "pictures.csv")


def ablations(methods: Mapping[str, Trained]) -> dict[str, str]:
    """Name of the ablation that a method of the run is, for those that are one."""
    return {name: one.ablation for name, one in methods.items() if one.ablation}


def _of_variants(frame: pd.DataFrame) -> bool:
    return "variant" in frame or "variant_a" in frame
