"""``iqa evaluate``: one method, or a file of scores, on one data set, without any settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark import files
from experiments.runs import completion

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.datasets.prepared import Dataset
    from benchmark.method import Method

SHOWN = ("srcc", "krcc", "plcc", "plcc_raw", "rmse", "srcc_splits", "plcc_raw_splits")
WITHIN = ("srcc_within", "krcc_within", "plcc_raw_within")
HALVES = ("srcc_lower_half", "srcc_upper_half")
CEILING = ("srcc_of_ceiling", "ceiling_srcc", "ceiling_lower_half", "ceiling_upper_half")


def command(
    method: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.methods,
            help="A method of `iqa methods`, trained:NAME, its folder, or a CSV with image,score.",
        ),
    ],
    dataset: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.datasets,
            help="A data set of `iqa datasets`, prepared or with its files here.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file for every figure with its protocol.")
    ] = None,
    lower: Annotated[
        bool | None, typer.Option("--lower/--higher", help="Of a CSV: better are lower or higher scores.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resamples.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Most pictures of one size at a time.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Print SRCC, KRCC, PLCC and RMSE with intervals, and the published figures beside.

    Scores are kept in results/evaluated/: a run that was stopped goes on, and one that is whole is not
    repeated. The data set is prepared into data/ where it is not yet.
    """
    from benchmark.evaluation import evaluate
    from benchmark.protocols import Resampling
    from experiments.runs.trained import load_here

    if out is not None:
        files.check_file(out)
        files.check_apart(out, method)
    if lower is not None and not Path(method).is_file():
        option = "--lower" if lower else "--higher"
        raise ValueError(f"{option} is for a CSV of scores; the card of a method says which are better")
    loaded = None if Path(method).is_file() else load_here(method)
    data = prepared(dataset)
    if data.manifest["mos"].isna().all() and not data.record.within:
        raise ValueError(f"nobody rated the pictures of {dataset!r}: there is nothing to agree with")
    if loaded is None:
        scores, about = of_file(Path(method), data, lower)
    else:
        scores, about = of_method(method, loaded, data, batch, device)
    for note in about.pop("notes"):
        typer.echo(f"note: {note}", err=True)
    table = evaluate(scores, data, how=Resampling(resamples, seed), **about)
    show(table, data, len(scores), int(scores["score"].isna().sum()))
    if out is not None:
        files.write_csv(table, out)
        typer.echo(f"{out} written", err=True)


def prepared(name: str) -> Dataset:
    """Return a data set whose pictures are there; it is prepared where it is not, or not as it is now."""
    from benchmark.datasets import making
    from experiments.runs import results, stage, unchanged

    asked = unchanged.asked()
    own = asked.datasets.get(name, {})
    if results.is_prepared(name):
        results.pictured(name, asked)  # other pictures under the same names are for the user to look at
    if not making.is_current(name, stage.DATA, **own):
        making.prepare(name, stage.DATA, **own)
    return results.pictured(name, asked)


def of_file(path: Path, data: Dataset, lower: bool | None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Scores of a file by the names of a data set's pictures, and their direction."""
    from experiments.scoring.score_files import aligned, direction, read

    notes: list[str] = []
    known = data.manifest[["image", "mos"]]
    frame = aligned(read(path, "score"), path, known, data.root / "manifest.csv", notes.append)
    higher = direction(path, frame, None if lower is None else not lower, "--lower", notes.append)
    return frame, {"higher_is_better": higher, "notes": notes}


def of_method(
    name: str, method: Method, data: Dataset, batch: int, device: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Scores of a method, asked for by ``name``, and what its card says of them."""
    import methods
    from benchmark.method import Trained
    from benchmark.protocols import learnt_from
    from experiments.runs import results
    from experiments.runs.trained import folder_of
    from experiments.scoring.kept_scores import score_once

    card = getattr(method, "card", None) or methods.card(method.name)
    folder, about = folder_of(name), data.record
    rated = Trained.read(folder).rated if folder else ""
    learnt = learnt_from(
        f"{rated} {card.opinions_of}", card.opinion_aware, card.training_data,
        dataset=about.name, title=about.title, by_people=about.rated_by == "people",
    )  # fmt: skip
    notes = []
    if learnt:
        may = "has" if learnt is True else "may have"
        notes.append(f"{name} {may} learnt from {about.name}: this is no test")
    path = score_once(name, method, data, batch=batch, device=device)
    return results.scores(path), {
        "higher_is_better": method.higher_is_better,
        "published_as": card.published_as,
        "opinions_of": card.opinions_of or ("unknown" if card.opinion_aware else ""),
        "transductive": card.transductive,
        "learnt": learnt,
        "notes": notes,
    }


def show(found: pd.DataFrame, data: Dataset, count: int, failed: int) -> None:
    """Print the figures, and how each was taken."""
    within = WITHIN if data.record.within else ()
    shown = found["statistic"].isin((*SHOWN, *HALVES, *CEILING, *within))
    table = found[shown][["statistic", "value", "low", "high", "n", "published"]]
    said = f"{data.record.title}: {count} scores" + (f", {failed} of them missing" if failed else "")
    typer.echo(f"{said}; opinions: {data.record.score_name or 'none'}, by {data.record.rated_by}")
    typer.echo(table.to_string(index=False, float_format="{:.4g}".format, na_rep="–"))
    if not found["statistic"].isin(CEILING).any():
        typer.echo("no ceiling: the spread or the number of the ratings of a picture is not known here")
    elif data.record.ratings_from:
        typer.echo(f"ratings: {data.record.ratings_from}")
    for protocol, rows in found[shown].groupby("protocol", sort=False):
        typer.echo(f"{', '.join(rows['statistic'])}: {protocol}")
