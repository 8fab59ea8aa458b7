"""What was run: settings, versions, files, pictures, and what such a run cannot show."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from typing import Any

import pandas as pd
from markupsafe import escape

from benchmark.method import Trained
from benchmark.reporting import blocks
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.views.cards import RATERS, counted
from benchmark.reporting.views.lacking import unprepared
from benchmark.reporting.views.plain import listing, made_here
from benchmark.tables import PROXY


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
    """Say what this run cannot show: no human scores, no pretrained weights, parts of data sets or scales."""
    lines = []
    scored = [name for name, record in run.records.items() if record.rated_by != "none"]
    if scored and run.labels.proxies.issuperset(scored):
        lines.append(
            f"No data set of this run was rated by people ({PROXY}): it checks that the pipeline works "
            "and says nothing of how well a method would please people."
        )
    random = [run.labels.method(name) for name, one in run.methods.items() if _from_scratch(one)]
    if random:
        lines.append(
            f"{' and '.join(random)} started from random weights. What is missing is the prior that CLIP "
            "learnt from captioned pictures: take the scores as a check of the code, not as those of the "
            "published methods."
        )
    parts = [
        f"{run.labels.dataset(name)} ({rows:,} of {whole:,} pictures)"
        for name in run.records
        for rows, whole in [counted(run, name)]
        if whole > rows > 0
    ]
    if parts:
        lines.append(
            f"Not complete: {', '.join(parts)}. Published figures beside these are of all their pictures."
        )
    within = [run.labels.dataset(name) for name, record in run.records.items() if record.within]
    if within:
        lines.append(
            f"Opinions of {' and '.join(within)} hold within a reference alone: Agreement with opinions has "
            "the figures within references, and no other table, test or rank is made of them."
        )
    return Html.of(f'<p class="caution">{escape(line)}</p>' for line in lines)


def _from_scratch(method: Trained) -> bool:
    """Whether a method was told to use no pretrained weights."""
    given = (method.train or {}, method.load)
    return any("pretrained" in settings and settings["pretrained"] is None for settings in given)


def pictures(run: Run) -> Html:
    """Show which pictures the run rests on, and the SHA-256 of their manifests."""
    rows = []
    for name, record in run.records.items():
        manifest = run.source(f"data/{name}/manifest.csv")
        content, rater = manifest.content or b"", RATERS[record.rated_by]
        digest = hashlib.sha256(content).hexdigest()[:16] if content else ""
        rows.append((run.labels.dataset(name), counted(run, name)[0], rater, digest))
    frame = pd.DataFrame(rows, columns=["Data set", "Images", "Rated by", "SHA-256 of the manifest"])
    shown = listing(frame, "Pictures of this run.", made_here("data", frame))
    return Html.of([shown, run.missing(*unprepared(run))])


def settings(run: Run) -> Html:
    """Show every setting of the run, a line each."""
    frame = pd.DataFrame(flat(run.settings), columns=["setting", "value"])
    return listing(frame, "Settings of this run.", made_here("params.yaml", frame))


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Give every setting below ``value`` as its dotted name and its value in words."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}".lstrip("."))
    else:
        yield name, ", ".join(map(str, value)) if value and isinstance(value, list) else str(value)


def versions(run: Run) -> Html:
    """Show the installed version of each package that figures depend on."""
    frame = pd.DataFrame(run.versions().items(), columns=["package", "version"])
    caption = "Packages that were installed when this page was made."
    return listing(frame, caption, made_here("the installed packages", frame))


def digests(run: Run) -> Html:
    """Show every file that pages are made from, with its SHA-256."""
    frame = run.digests()
    short = frame.assign(sha256=frame["sha256"].str[:16].replace("", "not made yet"))
    caption = "Files that these pages are made from, with the head of their SHA-256 (whole in the CSV)."
    return listing(short, caption, made_here("data, models and results", frame))
