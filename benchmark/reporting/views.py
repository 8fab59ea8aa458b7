"""What pages show beyond tables and plots: pictures, cards, settings, origin."""

from __future__ import annotations

import hashlib
import io
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import escape
from PIL import Image

from benchmark import figures
from benchmark.reporting import blocks
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import PROXY, Cell, Column, Table
from benchmark.terms import number

BIBTEX = "application/x-bibtex"
PAIRS = 24  # pairs on a page: with more it would pass 5 MB
EXAMPLES = 6  # pictures of a data set
MAPS = 6  # rows of gradCAM maps on a page


def facts(run: Run) -> Html:
    """Show what was run: profile, seed, commit, sizes."""
    settings, installed = run.settings, run.versions()
    terms = {
        "Profile": str(settings.get("profile", "unknown")),
        "Seed": str(settings.get("seed", "unknown")),
        "Methods": str(len(run.labels.methods)),
        "Data sets": str(len(run.records)),
        "Python, torch": f"{platform.python_version()}, {installed['torch']}",
        "Commit": run.commit or "not in a git checkout",
    }
    return blocks.facts(terms)


def caution(run: Run) -> Html:
    """Say what this run cannot show: no human scores, no pretrained weights, parts of data sets."""
    said = []
    scored = [name for name, record in run.records.items() if record["rated_by"] != "none"]
    if scored and run.labels.proxies.issuperset(scored):
        said.append(
            f"No data set of this run was rated by people ({PROXY}): it checks that the pipeline works "
            "and says nothing of how well a method would please people."
        )
    random = [run.labels.method(name) for name, about in run.methods.items() if _from_scratch(about)]
    if random:
        said.append(
            f"{' and '.join(random)} started from random weights. What is missing is the prior that CLIP "
            "learnt from captioned pictures: take the scores as a check of the code, not as those of the "
            "published methods."
        )
    parts = [
        f"{run.labels.dataset(name)} ({rows:,} of {whole:,} pictures)"
        for name in run.records
        for rows, whole in [_counted(run, name)]
        if whole > rows > 0
    ]
    if parts:
        said.append(
            f"Not complete: {', '.join(parts)}. Published figures beside these are of all their pictures."
        )
    return Html.of(f'<p class="caution">{escape(line)}</p>' for line in said)


def _counted(run: Run, name: str) -> tuple[int, int]:
    """Pictures of a data set that are here, and in the whole of it (0 where that is not known)."""
    manifest = run.source(f"data/{name}/manifest.csv")
    here = len(manifest.frame) if manifest.content is not None else 0
    return here, int(run.records[name].get("whole", 0))


def _from_scratch(about: Mapping[str, Any]) -> bool:
    """Whether a method was told to use no pretrained weights."""
    given = (about.get("train") or {}, about.get("load") or {})
    return any("pretrained" in settings and settings["pretrained"] is None for settings in given)


def pictures(run: Run) -> Html:
    """Show which pictures the run rests on, and the SHA-256 of their manifests."""
    rows = []
    for name, record in run.records.items():
        manifest = run.source(f"data/{name}/manifest.csv")
        content, rater = manifest.content or b"", RATERS.get(record["rated_by"], record["rated_by"])
        digest = hashlib.sha256(content).hexdigest()[:16] if content else ""
        rows.append((run.labels.dataset(name), _counted(run, name)[0], rater, digest))
    frame = pd.DataFrame(rows, columns=["Data set", "Images", "Rated by", "SHA-256 of the manifest"])
    shown = listing(frame, "Pictures of this run.", own("data", frame))
    return Html.of([shown, run.missing(*_unprepared(run))])


def listing(
    frame: pd.DataFrame, caption: str, source: Source, heads: Mapping[str, str] | None = None
) -> Html:
    """Show a plain table of words and numbers."""
    columns = tuple(
        Column((heads or {}).get(name, name), words=frame[name].dtype.kind not in "fiu") for name in frame
    )
    rows = tuple(
        tuple(Cell(_text(v), value=None if pd.isna(v) else v) for v in row)
        for row in frame.itertuples(index=False)
    )
    return blocks.table(Table(caption, columns, rows), source)


def _text(value: Any) -> str:
    return (
        number(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def settings(run: Run) -> Html:
    """Show every setting of the run, a line each."""
    frame = pd.DataFrame(flat(run.settings), columns=["setting", "value"])
    return listing(frame, "Settings of this run.", own("params.yaml", frame))


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Give every setting below ``value`` as its dotted name and its value in words."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}".lstrip("."))
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def versions(run: Run) -> Html:
    """Show the installed version of each package that figures depend on."""
    frame = pd.DataFrame(run.versions().items(), columns=["package", "version"])
    return listing(frame, "Installed packages.", own("requirements.lock", frame))


def digests(run: Run) -> Html:
    """Show every file that pages are made from, with its SHA-256."""
    frame = run.digests()
    short = frame.assign(sha256=frame["sha256"].str[:16].replace("", "not made yet"))
    caption = "Files that these pages are made from, with the head of their SHA-256 (whole in the CSV)."
    return listing(short, caption, own("data, models and results", frame))


def own(name: str, frame: pd.DataFrame) -> Source:
    """Return a table that the report makes itself as the source that its page offers."""
    return Source(name, "report", frame.to_csv(index=False, lineterminator="\n").encode())


def absent(run: Run) -> list[Source]:
    """Return every file that is missing, scores aside: `benchmark.reporting.unscored` says why they are."""
    frame, scores = run.digests(), {run.scores(*cell) for cell in run.cells()}
    return [run.source(name) for name in frame.loc[frame["sha256"].eq(""), "file"] if name not in scores]


def methods(run: Run) -> Html:
    """Show the card of each method."""
    entries = {}
    for name, about in run.methods.items():
        card = about["card"]
        trained = ", ".join(f"{k} {v}" for k, v in (about.get("train") or {}).items())
        entries[card["title"]] = {
            "Key": name,
            "Paper": card["paper"] or "none",
            "Human scores in training": "yes (opinion-aware)"
            if card["opinion_aware"]
            else "no (opinion-unaware)",
            "Training data": card["training_data"],
            **({"Opinions of": card["opinions_of"] or "not known"} if card["opinion_aware"] else {}),
            "Training settings": trained or "none",
            "Range": _range(card["low"], card["high"]),
            "Better": "higher" if about.get("higher_is_better", True) else "lower",
            "Input": card["input"],
            "Licence": card["licence"],
            "Weights, SHA-256": about.get("weights_sha256", "") or "none",
            "Cite": _entry(name, card.get("bibtex", "")),
        }
    gone = [
        run.source(f"models/{name}/method.json") for name in run.labels.methods if name not in run.methods
    ]
    return Html.of([blocks.cards(entries), run.missing(*gone)])


def _entry(name: str, entry: str) -> str:
    return blocks.download(f"{name}.bib", entry + "\n", BIBTEX, "BibTeX") if entry else "no entry"


def cite(run: Run) -> Html:
    """Offer the BibTeX entries of every method and data set of the run in one file."""
    library = run.cited(run.methods, run.records)
    if not library:
        return Html("")
    button = blocks.download("run.bib", library, BIBTEX, "BibTeX")
    return Html(f'<p class="note">What to cite for the methods and data sets of this run: {button}</p>')


def _range(low: float | None, high: float | None) -> str:
    ends = [low is not None and np.isfinite(low), high is not None and np.isfinite(high)]
    return f"{low:g} to {high:g}" if all(ends) else f"from {low:g}, unbounded" if ends[0] else "unbounded"


RATERS = {"people": "people", "proxy": PROXY, "none": "nobody: pictures without scores"}


def datasets(run: Run) -> Html:
    """Show the card of each data set."""
    entries = {}
    for name, record in run.records.items():
        manifest = run.source(f"data/{name}/manifest.csv")
        rows, whole = _counted(run, name)
        direction = "higher is better" if record["higher_is_better"] else "lower is better"
        span = _range(record["low"], record["high"])
        scored = record["rated_by"] != "none"
        entries[record["title"]] = {
            "Key": name,
            "Images": f"{rows:,} of {whole:,}" if whole > rows else f"{rows:,}",
            "Rated by": RATERS.get(record["rated_by"], record["rated_by"]),
            "Score": f"{record['score_name']} ({span}; {direction})" if scored else "none",
            **_parts(manifest),
            **_learnt(run, name),
            "Source": record["citation"],
            **_read_from(record),
            "Licence": record["licence"],
            "Cite": _entry(name, record.get("bibtex", "")),
            **({"Notes": " ".join(record["notes"])} if record["notes"] else {}),
        }
    return Html.of([blocks.cards(entries), run.missing(*_unprepared(run))])


def _read_from(record: Mapping[str, Any]) -> dict[str, str]:
    """Say which table the scores come from, and where the release was fetched."""
    if not record.get("table"):
        return {}
    return {"Read from": f"{record['table']}; {record['origin'] or 'placed here by hand'}"}


def _parts(manifest: Source) -> dict[str, str]:
    """Say how many references, types and splits a manifest has, where it names them."""
    if manifest.content is None:
        return {}
    rows, said = manifest.frame, {}
    for column, term in (("reference", "References"), ("distortion", "Types of distortion")):
        if rows[column].notna().any():
            said[term] = f"{rows[column].nunique():,}"
    splits = rows["split"].dropna().value_counts(sort=False)
    if len(splits):
        said["Splits"] = ", ".join(f"{name} {count:,}" for name, count in splits.items())
    return said


def _learnt(run: Run, name: str) -> dict[str, str]:
    """Say which methods have learnt from pictures of a data set that they are tested on, or may have."""
    tested = run.source("results/tables/zero_shot.csv")
    if tested.content is None or "overlap" not in tested.frame:
        return {}
    rows = tested.frame[tested.frame["dataset"].eq(name)]
    if rows.empty:
        return {}
    said = {}
    for value, term in (("True", "Leaks into training"), ("unknown", "Leak not known")):
        found = rows.loc[rows["overlap"].astype(str).eq(value), "method"].unique()
        said[term] = ", ".join(map(run.labels.method, found))
    return {"Leaks into training": said["Leaks into training"] or "none known"} | {
        term: names for term, names in said.items() if names
    }


#: What a method lacks that takes no part -> how the stages say it: a file, and what it holds.
LACKS = {
    "features": ("results/features/{}/none", b""),
    "gradients": ("results/studies/{}/gradcam.json", b"{}"),
}


def apart(run: Run, source: Source, lacks: str) -> Html:
    """Say which methods of the run have no row in a table, and of which that is because they lack something.

    Parameters
    ----------
    run
        The run.
    source
        The table, with a column ``method``.
    lacks
        ``"features"`` or ``"gradients"``.
    """
    if source.content is None:
        return Html("")
    name, content = LACKS[lacks]
    gone = [method for method in run.methods if method not in set(source.frame["method"])]
    marks = {method: run.path(name.format(method)) for method in gone}
    without = [m for m, path in marks.items() if path.is_file() and path.read_bytes().strip() == content]
    said = {
        f"no {lacks}, so no part in this": without,
        "left out by the settings, or not there yet": [method for method in gone if method not in without],
    }
    return Html.of(
        Html(f'<p class="note">{escape(", ".join(map(run.labels.method, names)))}: {why}.</p>')
        for why, names in said.items()
        if names
    )


def _unprepared(run: Run) -> list[Source]:
    names = run.named
    return [run.source(f"data/{name}/record.json") for name in names if name not in run.records]


def examples(run: Run) -> Html:
    """Show, of each data set, how the scores are spread and pictures from the lowest to the highest."""
    shown = []
    for name, record in run.records.items():
        source = run.source(f"data/{name}/manifest.csv")
        if source.content is None:
            continue
        title, rows, said = run.labels.dataset(name), source.frame, "some of the pictures"
        shown.append(Html(f"<h2>{escape(title)}</h2>"))
        if rows["mos"].notna().any():
            said = "from the lowest score to the highest"
            rows = rows.dropna(subset="mos").sort_values("mos", ascending=record["higher_is_better"])
            drawing = figures.histogram(rows, run.labels, dataset=name, score=record["score_name"])
            shown.append(run.drawing(drawing, [source], [name]))
        chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, EXAMPLES).round().astype(int))]
        pictures = [(run.path(f"data/{name}/{r.image}"), _described(r)) for r in chosen.itertuples()]
        note = run.labels.proxy_note([name])
        shown.append(blocks.gallery(f"{title}: {said}.", {"": pictures}, source, note))
    return Html.of(shown)


def _described(row: Any) -> str:
    said = [str(row.distortion)] if isinstance(row.distortion, str) and row.distortion else []
    said += [] if pd.isna(row.level) else [f"level {row.level:g}"]
    return ", ".join(said + ([] if pd.isna(row.mos) else [f"score {number(row.mos, 2)}"]))


def duels(run: Run, source: Source) -> Html:
    """Show gMAD pairs at the defender's lowest and highest level, those of the widest gap first."""
    if source.content is None:
        return run.missing(source)
    met = source.frame.dropna(subset=["low_image", "high_image"])
    met = met[met["low_image"].ne(met["high_image"])]
    level = met.groupby(["dataset", "defender", "attacker"])["level"]
    ends = met[met["level"].eq(level.transform("min")) | met["level"].eq(level.transform("max"))]
    chosen = ends.sort_values("gap", ascending=False, kind="stable").head(PAIRS)
    groups = {}
    for row in chosen.itertuples():
        attacker, defender = run.labels.method(row.attacker), run.labels.method(row.defender)
        judged = f"gap {number(row.gap, 1)}, preference {number(row.preference, 0)}"
        low, high = (run.path(f"data/{row.dataset}/{image}") for image in (row.low_image, row.high_image))
        shown = [(low, f"worse to {attacker}"), (high, f"better to {attacker}")]
        groups[f"{attacker} attacks {defender} at level {row.level}: {judged}"] = shown
    caption = (
        f"{len(chosen)} of {len(met)} pairs, at the lowest and highest level of each defender, widest gap "
        "first. The defender scores both pictures alike, the attacker far apart. Preference: from 100, the "
        "judge agrees with the attacker, to −100, the judge prefers the other picture."
    )
    return blocks.gallery(caption, groups, source, run.labels.proxy_note(chosen["dataset"]))


def attributions(run: Run, index: Source, maps: Source) -> Html:
    """Show raw gradCAM maps over the first pictures of the index."""
    if index.content is None or maps.content is None:
        return run.missing(index, maps)
    rows = []
    with np.load(io.BytesIO(maps.content)) as stored:
        for image, part in list(index.frame.groupby("image", sort=False))[:MAPS]:
            found = {(r.method, r.target): stored[r.map] for r in part.itertuples()}
            pixels = _pixels(run.path(f"results/gradcam/{image}"))
            title = f"{part['distortion'].iloc[0]}, level {part['level'].iloc[0]}"
            rows.append(figures.Attribution(title, pixels, stored[part["region"].iloc[0]], found))
    return run.drawing(figures.maps(rows, run.labels), [index, maps])


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def training(run: Run) -> Html:
    """Show what was logged while each method learnt by gradient, and its validations without labels."""
    shown = []
    for name in run.methods:
        source = run.source(f"models/{name}/curve.csv")
        if source.content is not None:
            shown.append(run.figure(figures.curves, source, method=name))
        source = run.source(f"models/{name}/validation.csv")
        if source.content is not None:
            shown.append(run.figure(figures.validation, source, method=name))
    return Html.of(shown) if shown else Html("<p>No method of this run has left a training curve.</p>")


def ladders(run: Run) -> Html:
    """Show the degradations at rising levels that each method learnt to rank."""
    shown = []
    for name in run.methods:
        source = run.source(f"models/{name}/ladders.png")
        if source.content is not None:
            caption = f"{run.labels.method(name)}: the 24 types of degradation, level 1 (mildest) to 5."
            alt = "One picture, degraded by each of 24 types at five rising levels, a strip a type."
            shown.append(blocks.sheet(source.content, caption, alt, source))
    return Html.of(shown) if shown else Html("<p>No method of this run has left its ladders.</p>")
