"""Scores against opinions, and the pictures on which methods are wrong."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import escape

from benchmark import figures
from benchmark.reporting.gathered import Gathered, gathered, source_of
from benchmark.reporting.html import Html, render
from benchmark.reporting.run import Run
from benchmark.terms import number

#: Pictures of the largest residuals, each way.
ENDS = 4
#: Pairs that two methods order oppositely, of a data set.
PAIRS = 8


def show(run: Run) -> Html:
    """Show, data set by data set, the scatter of every method and the pictures on which methods are wrong."""
    shown = []
    for dataset in run.scored:
        if dataset not in run.records:
            continue
        one, source = gathered(run, dataset), source_of(run, dataset)
        shown.append(Html(f"<h2>{escape(run.labels.dataset(dataset))}</h2>"))
        if one is None:
            shown.append(run.missing(source))
        elif one.manifest["mos"].notna().any() and one.higher:
            shown += [_scatter(run, one), _explore(one), _residuals(run, one), _wrong(run, one)]
    return Html.of(shown)


def _explore(one: Gathered) -> Html:
    """Lead to the page of all pictures."""
    words = f"All pictures of {one.record.title}, to sort, filter and open"
    return Html(f'<p class="note"><a href="explore_{escape(one.name)}.html">{escape(words)}</a></p>')


def _scatter(run: Run, one: Gathered) -> Html:
    keep = one.residuals["image"].isin(one.chosen) & one.residuals["method"].isin(list(one.higher))
    points = one.residuals[keep].join(one.manifest, on="image")
    order = {name: place for place, name in enumerate(one.higher)}
    points = points.sort_values("method", key=lambda column: column.map(order), kind="stable")
    curves = source_of(run, one.name, ".curves.csv")
    pictures = {image: file for image in one.chosen if (file := one.file(image))}
    drawing = figures.scatter(
        points, curves.frame, run.labels,
        dataset=one.name, opinion=one.record.score_name, pictures=pictures, total=len(one.manifest),
        drawn=len(one.chosen) < len(one.manifest),
    )  # fmt: skip
    sources = [source_of(run, one.name), curves]
    return Html.of([run.drawing(drawing, sources, [one.name]), Html(_terms(one))])


def _terms(one: Gathered) -> str:
    return f'<p class="proxy terms">{escape(one.terms)}</p>' if one.terms else ""


def _residuals(run: Run, one: Gathered) -> Html:
    """Show the largest residuals of every method in both directions."""
    groups = {}
    for method in one.higher:
        own = one.residuals[one.residuals["method"].eq(method)].dropna(subset="residual")
        own = own.sort_values("residual", kind="stable")
        title = run.labels.method(method)
        above, below = own[own["residual"] > 0].tail(ENDS)[::-1], own[own["residual"] < 0].head(ENDS)
        better, worse = (above, below) if one.record.higher_is_better else (below, above)
        groups[f"{title}: better than it says"] = [_residual(one, row) for row in better.to_dict("records")]
        groups[f"{title}: worse than it says"] = [_residual(one, row) for row in worse.to_dict("records")]
    caption = (
        f"{run.labels.dataset(one.name)}: the largest residuals of each method, both ways. Residual: the "
        "score of the data set less what the fitted mapping makes of the method's."
    )
    there = {heading: tiles for heading, tiles in groups.items() if tiles}
    return _gallery(run, one, caption, there, source_of(run, one.name).name)


def _residual(one: Gathered, row: dict[str, object]) -> tuple[str, str]:
    mos, left = one.manifest["mos"][str(row["image"])], float(str(row["residual"]))
    return str(
        row["image"]
    ), f"residual {number(left, 2)}; {number(mos, 2)}, from the score {number(mos - left, 2)}"


def _wrong(run: Run, one: Gathered) -> Html:
    """Show pictures on which all methods fail, and pairs that two methods order oppositely."""
    source = source_of(run, one.name, ".wrong.csv")
    if source.content is None:
        return run.missing(source)
    title, found = run.labels.dataset(one.name), source.frame
    together = found[found["kind"].eq("all")]
    sides = {
        "All rank it lower": together[together["value"] < 0],
        "All rank it higher": together[together["value"] > 0],
    }
    groups = {
        heading: [
            (row["image"], f"off by {100 * abs(row['value']):.0f} % or more")
            for row in rows.to_dict("records")
        ]
        for heading, rows in sides.items()
        if len(rows)
    }
    caption = (
        f"{title}: pictures that every method misjudges in the same direction. In per cent of the ranking, "
        "how far off even the closest is. Look here first for a fault of the data."
    )
    shown = [_gallery(run, one, caption, groups, source.name)] if groups else []
    pairs = found[found["kind"].eq("pair")].sort_values("value", ascending=False, kind="stable").head(PAIRS)
    duels = {
        f"{run.labels.method(row['method_a'])} is right, {run.labels.method(row['method_b'])} wrong: "
        f"{number(100 * row['value'], 0)} % of the ranking apart ({place})": [
            (row["image"], f"better: {number(one.manifest['mos'][row['image']], 2)}"),
            (row["other"], f"worse: {number(one.manifest['mos'][row['other']], 2)}"),
        ]
        for place, row in enumerate(pairs.to_dict("records"), 1)
    }
    caption = (
        f"{title}: pairs that two methods order oppositely and the scores of the data set order clearly "
        "(beyond 1.96 standard errors of their difference where known, else half a deviation of all)."
    )
    return Html.of([*shown, _gallery(run, one, caption, duels, source.name)] if duels else shown)


def _gallery(
    run: Run, one: Gathered, caption: str, groups: dict[str, list[tuple[str, str]]], name: str
) -> Html:
    """Show small copies in groups, each leading to its place on the page of all pictures."""
    tiles = {heading: list(_tiles(one, rows)) for heading, rows in groups.items()}
    note, title = run.labels.proxy_note([one.name]), run.labels.dataset(one.name)
    said = [one.terms] if one.terms else []
    return render(
        "wrong.html", caption=caption, groups=tiles, source=name, proxy=note, terms=said,
        dataset=one.name, title=title,
    )  # fmt: skip


def _tiles(one: Gathered, rows: Iterable[tuple[str, str]]) -> Iterable[dict[str, object]]:
    for image, text in rows:
        yield {"image": image, "name": _short(image), "text": text, "file": one.file(image)}


def _short(image: str) -> str:
    return image.removeprefix("images/")
