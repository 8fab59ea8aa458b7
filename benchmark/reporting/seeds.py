"""What another training seed does to a number, and which differences are larger than that."""

from __future__ import annotations

from html import escape

import pandas as pd

from benchmark.evidence import ENOUGH, decides, too_few
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import MAIN, Cell, Column, Labels, Table, mentioned
from benchmark.terms import number, words

SAID = {True: "within", False: "beyond"}
NEITHER = (
    f"Neither is said where fewer than {ENOUGH} references (or pictures, where there are no references) "
    "stand behind a number: so few decide nothing."
)


def show(run: Run, source: Source) -> Html:
    """Show the spread over seeds; a run without further seeds is told what asks for them."""
    if source.content is not None and source.frame.empty:
        return Html(
            "<p>No further seed was trained, so that nothing tells a variant from the luck of its training: "
            "list seeds in <code>ablation.seeds</code> of <code>params.yaml</code>.</p>"
        )
    if source.content is None:
        return run.missing(source)
    paragraphs = [f"<p>{escape(line)}</p>" for line in sentences(source.frame, run.labels)]
    return Html.of([*paragraphs, run.table(table, source)])


def sentences(frame: pd.DataFrame, labels: Labels) -> list[str]:
    """Say by data set which variants differ by more than seeds make, in SRCC; of too few pictures, none."""
    lines = []
    for dataset, part in frame[frame["statistic"].eq("srcc")].groupby("dataset", sort=False):
        spread = part[part["sd"].notna()]
        if spread.empty:
            continue
        base = spread.iloc[0]
        others = part[part["sd"].isna() & part["within"].notna()]
        far = [words(name) for name in others.loc[others["within"].eq(False), "variant"]]
        name = labels.dataset(str(dataset))
        sentence = f"{name}: over {base['n']:.0f} seeds the SRCC of {words(base['variant'])} is "
        sentence += f"{number(base['value'])} with a standard deviation of {number(base['sd'])}; "
        if not decides(base["units"]):  # n counts runs
            lines.append(f"{sentence}no variant is held against that: {too_few(base['units'])}.")
            continue
        sentence += f"of {len(others)} variants {len(far)} differ by more than another seed would"
        lines.append(sentence + (f": {', '.join(far)}." if far else "."))
    return lines


def table(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return mean and spread over seeds, and below each the variants' single runs held against them."""
    part = frame[frame["statistic"].isin(MAIN)]
    rows, enough = [], part["units"].map(decides)
    within = part["within"].where(enough, None)
    for row in part.assign(within=within).to_dict("records"):
        spread = pd.notna(row["sd"])
        bounds = "" if pd.isna(row["low"]) else f"[{number(row['low'])}, {number(row['high'])}]"
        published = "–" if pd.isna(row["published"]) else f"{number(row['published'])} ({row['standing']})"
        name, dataset = words(row["variant"]), labels.dataset(row["dataset"])
        rows.append(
            (
                Cell(dataset, value=dataset),
                Cell(name, value=name),
                Cell(labels.of("statistic", row["statistic"]), value=row["statistic"]),
                Cell(f"{row['n']:.0f}", value=row["n"]),
                Cell(number(row["value"]), bounds if spread else "", row["value"]),
                Cell(number(row["sd"]) if spread else "–", value=row["sd"] if spread else None),
                Cell(published, value=None if pd.isna(row["published"]) else row["published"]),
                Cell(SAID.get(row["within"], "–"), value=SAID.get(row["within"], "")),
            )
        )
    heads = [Column(name, words=True) for name in ("Data set", "Variant", "Statistic")]
    heads += [Column("Runs"), Column("Mean"), Column("SD"), Column("Published"), Column("Seeds", words=True)]
    runs = part.loc[part["sd"].notna(), "protocol"].str.extract(r"(mean of .*?\))")[0].dropna().unique()
    notes = (
        f"In brackets what one further seed gives with 95%: {'; '.join(runs)}.",
        "Within: the published figure, or the variant's single run, lies where another seed alone could have "
        "put it. Beyond: the difference is larger than seeds make.",
        "The images are held fixed: the interval over images stands in the table of the variants.",
        *(() if enough.all() else (NEITHER,)),
    )
    caption = "Mean and spread over training seeds, and every other variant against them."
    return Table(caption, tuple(heads), tuple(rows), notes, **mentioned(part))
