"""Pictures: examples of a data set, gMAD pairs, maps, ladders, and the curves of a training."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import escape

from benchmark import figures
from benchmark.reporting import blocks, studies
from benchmark.reporting.gathered import gathered
from benchmark.reporting.html import Html
from benchmark.reporting.licences import terms
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.reporting.views.learnt import validated_on
from benchmark.terms import number

PAIRS = 24  # pairs on a page: with more it would pass 5 MB
EXAMPLES = 6  # pictures of a data set
MAPS = 6  # rows of gradCAM maps on a page


def examples(run: Run) -> Html:
    """Show, of each data set, how the scores are spread and pictures from the worst to the best."""
    shown = []
    for name, record in run.records.items():
        source = run.source(f"data/{name}/manifest.csv")
        if source.content is None:
            continue
        title, rows, order = run.labels.dataset(name), source.frame, "some of the pictures"
        shown.append(Html(f"<h2>{escape(title)}</h2>"))
        if rows["mos"].notna().any():
            order = "from the worst score to the best"
            rows = rows.dropna(subset="mos").sort_values("mos", ascending=record.higher_is_better)
            drawing = figures.histogram(rows, run.labels, dataset=name, score=record.score_name)
            shown.append(run.drawing(drawing, [source], [name]))
        chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, EXAMPLES).round().astype(int))]
        pictures = [(run.path(f"data/{name}/{r.image}"), _described(r)) for r in chosen.itertuples()]
        note = run.labels.proxy_note([name])
        said, there = _terms(run, [name]), run.shows_pictures
        shown.append(blocks.gallery(f"{title}: {order}.", {"": pictures}, source, note, said, there))
    return Html.of(shown)


def _terms(run: Run, datasets: Iterable[str]) -> list[str]:
    """Say of which data sets the pictures are not to be published."""
    records = [run.records[name] for name in datasets if name in run.records]
    return [words for record in records if (words := terms(record.title, record.licence))]


def _described(row: Any) -> str:
    parts = [str(row.distortion)] if isinstance(row.distortion, str) and row.distortion else []
    parts += [] if pd.isna(row.level) else [f"level {row.level:g}"]
    return ", ".join(parts + ([] if pd.isna(row.mos) else [f"score {number(row.mos, 2)}"]))


def duels(run: Run, source: Source) -> Html:
    """Show gMAD pairs at the defender's lowest and highest level, those of the widest gap first."""
    if source.content is None:
        return run.missing(source)
    met = source.frame.dropna(subset=["low_image", "high_image", "preference"])
    met = met[met["low_image"].ne(met["high_image"])]
    words = [
        f"{number(value, 0)} ({studies.JUDGE.get(judge, judge)})"
        for value, judge in zip(met["preference"], met["judge"], strict=True)
    ]
    pair = ["dataset", "defender", "attacker", "level"]
    met = met.assign(said=words)
    met["said"] = met.groupby(pair)["said"].transform(", ".join)  # people may have judged as well
    pairs = met.drop_duplicates(pair)
    level = pairs.groupby(pair[:-1])["level"]
    ends = pairs[pairs["level"].eq(level.transform("min")) | pairs["level"].eq(level.transform("max"))]
    chosen = ends.sort_values("gap", ascending=False, kind="stable").head(PAIRS)
    groups = {}
    for row in chosen.itertuples():
        attacker, defender = run.labels.method(row.attacker), run.labels.method(row.defender)
        where = f"{run.labels.dataset(row.dataset)}: {attacker} attacks {defender} at level {row.level}"
        low, high = (run.path(f"data/{row.dataset}/{image}") for image in (row.low_image, row.high_image))
        shown = [(low, f"worse to {attacker}"), (high, f"better to {attacker}")]
        groups[f"{where}: gap {number(row.gap, 1)} of 100, preference {row.said}"] = shown
    caption = (
        f"{len(chosen)} of {len(pairs)} pairs, at the lowest and highest level of each defender, widest gap "
        "first. The defender scores both pictures alike, the attacker far apart. Gap: how far, both put "
        "on one scale from 0 to 100. Preference: from 100, the judge agrees with the attacker, to −100, the "
        "judge prefers the other picture."
    )
    said = _terms(run, chosen["dataset"].unique())
    note = run.labels.proxy_note(chosen["dataset"])
    return blocks.gallery(caption, groups, source, note, said, run.shows_pictures)


def attributions(run: Run, index: Source, maps: Source) -> Html:
    """Show raw gradCAM maps over the first pictures of the index."""
    if index.content is None or maps.content is None:
        return run.missing(index, maps)
    rows = []
    with np.load(io.BytesIO(maps.content)) as stored:
        for image, part in list(index.frame.groupby("image", sort=False))[:MAPS]:
            by_prompt = {(r.method, r.target): stored[r.map] for r in part.itertuples()}
            pixels = _pixels(run.path(f"results/gradcam/{image}"), run.shows_pictures)
            title = f"{part['distortion'].iloc[0]}, level {part['level'].iloc[0]}"
            rows.append(figures.Attribution(title, pixels, stored[part["region"].iloc[0]], by_prompt))
    of = str(run.settings.get("gradcam", {}).get("dataset", ""))
    said = _terms(run, [of]) if run.shows_pictures else []
    return Html.of([run.drawing(figures.maps(rows, run.labels), [index, maps]), *blocks.terms(said)])


def _pixels(path: Path, shown: bool) -> np.ndarray:
    """Pixels of a picture; of a blank one as large where pages show none."""
    from benchmark.images import read

    pixels = (read(path) * 255).round().byte().permute(1, 2, 0).numpy()
    return pixels if shown else np.full_like(pixels, 255)


def layout(run: Run, source: Source) -> Html:
    """Show the layout of features, each point with its picture."""
    pictures: dict[str, str] = {}
    for dataset in source.frame["dataset"].unique() if source.content else ():
        if (one := gathered(run, dataset)) is not None:
            pictures |= {image: file for image in one.chosen if (file := one.file(image))}
    return run.figure(studies.layout, source, pictures=pictures)


def training(run: Run) -> Html:
    """Show what was logged while each method learnt by gradient, and its validations without labels."""
    shown = []
    for name in run.methods:
        source = run.source(f"models/{name}/curve.csv")
        if source.content is not None:
            shown.append(run.figure(figures.curves, source, method=name))
        source = run.source(f"models/{name}/validation.csv")
        if source.content is not None:
            pictures = validated_on(run, name, source.frame)
            shown.append(run.figure(figures.validation, source, method=name, pictures=pictures))
    return Html.of(shown) if shown else Html("<p>No method of this run has left a training curve.</p>")


def ladders(run: Run) -> Html:
    """Show the degradations at rising levels that each method learnt to rank."""
    if not run.shows_pictures:
        return Html("<p>Pictures are left out (report.pictures: none).</p>")
    shown = []
    for name in run.methods:
        source = run.source(f"models/{name}/ladders.png")
        if source.content is not None:
            caption = f"{run.labels.method(name)}: the 24 types of degradation, level 1 (mildest) to 5."
            alt = "One picture, degraded by each of 24 types at five rising levels, a strip a type."
            shown.append(blocks.sheet(source.content, caption, alt, source))
    return Html.of(shown) if shown else Html("<p>No method of this run has left its ladders.</p>")
