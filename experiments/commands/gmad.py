"""``iqa gmad``: people judge the pairs of a competition, and what they said is counted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark import files
from experiments.runs import completion

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True, help="Let people judge the gMAD pairs.")
PAIRS = Path("results/gmad/pairs.csv")
Pairs = Annotated[Path, typer.Option(help="Pairs that the stage `gmad` chose.")]


@app.command()
def judge(
    dataset: Annotated[
        str, typer.Option(autocompletion=completion.datasets, help="Data set whose pairs are asked about.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML page to write.")],
    limit: Annotated[int | None, typer.Option(help="Ask about so many pairs, the weightiest.")] = None,
    pairs: Pairs = PAIRS,
) -> None:
    """Write a page that asks which of two pictures is better; it works offline and saves answers as JSON."""
    from benchmark.files import check_apart, check_file
    from benchmark.gmad.study import questions, write_study
    from experiments.runs import results, stage, unchanged

    check_file(out)
    check_apart(out, pairs)
    asked = questions(read(pairs, dataset), limit)
    short_side = unchanged.pictured(dataset).record.short_side if results.is_prepared(dataset) else 0
    name = write_study(asked, stage.DATA / dataset, out, short_side)
    typer.echo(f"{out} written: study {name}, {len(asked)} pairs", err=True)


@app.command()
def tally(
    answers: Annotated[list[Path], typer.Argument(help="JSON files that the page saved, one a subject.")],
    dataset: Annotated[
        str, typer.Option(autocompletion=completion.datasets, help="Data set whose pairs were asked about.")
    ],
    pairs: Pairs = PAIRS,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the tables.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Screen the subjects (BT.500), say how far they agree, and rank the methods by what they preferred."""
    from benchmark.files import check_apart, check_folder
    from benchmark.gmad import references_of
    from benchmark.gmad.tally import by_people, read_answers, tally
    from experiments.runs import results, unchanged

    if out is not None:
        check_folder(out)
        check_apart(out / "pairs.csv", pairs)
    chosen = read(pairs, dataset)
    votes = tally(chosen, read_answers(answers), seed=seed)
    known = results.is_prepared(dataset)
    if not known:
        typer.echo(
            f"{dataset} is not prepared here, so its references are not known: intervals take pairs for "
            "independent, and may be too narrow",
            err=True,
        )
    references = references_of(unchanged.dataset(dataset).manifest) if known else None
    result = by_people(chosen, votes, dataset=dataset, seed=seed, references=references)
    shown = ["statistic", "value", "low", "high", "n"]
    tables = {"subjects": votes.subjects, "agreement": votes.agreement, "gmad": result.table}
    for name, columns in (("subjects", None), ("agreement", shown), ("gmad", ["method", *shown])):
        table = tables[name] if columns is None else tables[name][columns]
        typer.echo(table.to_string(index=False, float_format="{:.4g}".format, na_rep="–") + "\n")
    if out is not None:
        for name, table in {**tables, "gmad_matrix": result.matrix, "pairs": result.pairs}.items():
            files.write_csv(table, out / f"{name}.csv")


def read(path: Path, dataset: str) -> pd.DataFrame:
    """Pairs of one data set, each contest once, as `benchmark.gmad.select_pairs` chose them.

    Raises
    ------
    ValueError
        If the file is missing or has no pairs of that data set.
    """
    from benchmark.tables import read_results

    if not path.is_file():
        raise ValueError(f"{path} is missing; run `dvc repro gmad`, or name the pairs with --pairs")
    frame = read_results(path)
    rows = frame[frame["dataset"].eq(dataset)]
    if rows.empty:
        known = ", ".join(sorted(set(frame["dataset"])))
        raise ValueError(f"{path} has no pairs of {dataset!r}; it has those of {known or 'no data set'}")
    chosen = ["defender", "attacker", "level", "low_image", "high_image", "gap", "weight"]
    table: pd.DataFrame = rows[chosen].drop_duplicates(["defender", "attacker", "level"])
    return table.reset_index(drop=True)
