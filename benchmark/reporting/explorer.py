"""Every picture of a data set on one page, to sort, filter and open; the drawing is ``explorer.js``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.prepared.record import Record
from benchmark.reporting.gathered import FOLDER, Gathered, gathered, source_of
from benchmark.reporting.html import TEMPLATES, Html, render
from benchmark.reporting.mapped import Mapped, mapped, sources
from benchmark.reporting.run import Run
from benchmark.tables import Labels


def page_of(dataset: str) -> str:
    """Name of the page."""
    return f"explore_{dataset}"


def title(run: Run, dataset: str) -> str:
    """Heading and first paragraph, as in a notebook's first cell."""
    return (
        f"# Explore {run.labels.dataset(dataset)}\n\n"
        "Every picture with what each method says of it: sort, filter, open; the address keeps the view."
    )


def body(run: Run, dataset: str) -> Html:
    """Return the page's contents, or a note on what is missing."""
    one = gathered(run, dataset)
    if one is None:
        return run.missing(source_of(run, dataset))
    names = {name: run.labels.method(name) for name in one.higher}
    listed = mapped(run, dataset) if one.thumbnails else []
    rows = table(one, names) | {"maps": maps(one, listed, run.labels)}
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    style, script = (Html((TEMPLATES / f"explorer.{kind}").read_text()) for kind in ("css", "js"))
    return render(
        "explorer.html", table=content.encode(), style=style, script=script, terms=one.terms,
        proxy=run.labels.proxy_note([dataset]), shown=len(one.chosen), total=len(one.manifest),
        opinion=_opinion(one.record), word=_word(one.record),
        pictures=one.thumbnails is not None, maps=sources(run)[1] if listed else None,
    )  # fmt: skip


def _opinion(record: Record) -> str:
    better = "more" if record.higher_is_better else "less"
    return f"{record.score_name} ({better} is better)"


def table(one: Gathered, names: dict[str, str]) -> dict[str, Any]:
    """Return what the page knows of each picture: a list a column, in one order of pictures.

    Ranks are in thousandths of all pictures of the data set, 1000 the best, whatever is shown of it.
    """
    rows = one.manifest.loc[one.chosen]
    low, high = (pd.Series(end, one.manifest.index) for end in one.opinion_spread())
    copies = one.thumbnails.index if one.thumbnails else {}
    at = [copies.get(image, {}) for image in one.chosen]
    columns = {
        "image": [image.removeprefix("images/") for image in one.chosen],
        "file": [one.file(image) for image in one.chosen],
        "mos": _exact(rows["mos"]),
        "std": _numbers(rows["mos_std"]),
        "rank": _thousandths(one.opinion_rank[one.chosen]),
        "level": _numbers(rows["level"]),
        **{key: _words(rows[key]) for key in ("distortion", "reference", "split")},
        **{key: [_whole(row.get(key)) for row in at] for key in ("width", "height", "wide", "high", "crop")},
        "from": _thousandths(low[one.chosen]),
        "to": _thousandths(high[one.chosen]),
    }
    parts = {"score": one.wide("score"), "residual": one.wide("residual"), "rank": one.ranks}
    form = {"score": _exact, "residual": _numbers, "rank": _thousandths}
    methods = [
        {"name": name, "title": words}
        | {key: form[key](part[name][one.chosen]) for key, part in parts.items()}
        for name, words in names.items()
    ]
    return {"columns": columns, "methods": methods, "word": _word(one.record)}


def maps(one: Gathered, listed: Sequence[Mapped], labels: Labels) -> list[dict[str, Any]]:
    """Return what the page knows of the gradCAM maps: a dictionary a picture that was degraded and mapped.

    ``of`` is the place of that picture among those shown, -1 where it is not one of them; ``reference`` its
    reference, by which maps stand beside other pictures too, "" where it has none.
    """
    places = {image: place for place, image in enumerate(one.chosen)}
    known = dict(zip(one.manifest.index, _words(one.manifest["reference"]), strict=True))
    return [
        {
            **{"of": places.get(each.picture, -1), "picture": each.picture.removeprefix("images/")},
            **{"reference": known.get(each.picture, ""), "distortion": each.distortion, "level": each.level},
            "file": f"{FOLDER}/{one.name}/{each.file}",
            "maps": [
                {
                    **{"title": labels.method(method), "target": target},
                    "file": f"{FOLDER}/{one.name}/{each.drawn(method, target)}",
                }
                for method, target in each.maps
            ],
        }
        for each in listed
    ]


def _word(record: Record) -> str:
    """What the scores of a data set are called."""
    return "opinion" if record.rated_by == "people" else "proxy"


def _words(column: pd.Series) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in column]


def _whole(value: Any) -> int:
    return 0 if value is None or pd.isna(value) else int(value)


def _numbers(column: pd.Series, digits: int = 5) -> list[float | None]:
    """Five significant digits; None where there is no number, for JSON knows no NaN."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in column.astype(float)]


def _exact(column: pd.Series) -> list[float | None]:
    """What tells any two numbers of single precision apart: pictures are sorted by them."""
    return _numbers(column, 9)


def _thousandths(column: pd.Series) -> list[int | None]:
    return [None if pd.isna(value) else round(1000 * value) for value in column]
