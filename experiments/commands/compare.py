"""``iqa compare``: two files of scores against opinions, as the suite compares its own methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark import files

if TYPE_CHECKING:
    import pandas as pd

BETTER = "Better are lower or higher"


def command(
    a: Annotated[Path, typer.Argument(help="CSV with image,score.")],
    b: Annotated[Path, typer.Argument(help="CSV with image,score.")],
    scores: Annotated[
        Path,
        typer.Option(help="CSV with image,mos and, where known, mos_std,ratings,reference,distortion,level."),
    ],
    a_lower: Annotated[
        bool | None, typer.Option("--a-lower/--a-higher", help=f"{BETTER} scores of A")
    ] = None,
    b_lower: Annotated[
        bool | None, typer.Option("--b-lower/--b-higher", help=f"{BETTER} scores of B")
    ] = None,
    mos_lower: Annotated[
        bool | None, typer.Option("--mos-lower/--mos-higher", help=f"{BETTER} opinions (lower: DMOS)")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file for every number with its protocol.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Agreement of both with intervals, their difference and its tests; docs/protocols.md explains them.

    Directions come from the files where they state them (a column `direction`, a method whose card is known,
    a data set's record); an option that contradicts them is refused.
    """
    import pandas as pd

    from benchmark.files import check_file
    from benchmark.protocols import Resampling, compare
    from experiments.scoring.score_files import aligned, direction, label, read

    if out is not None:
        check_file(out)
        files.check_apart(out, a, b, scores)
    names = (label(a), label(b)) if label(a) != label(b) else ("A", "B")
    mos = read(scores, "mos")
    one, other = (aligned(read(path, "score"), path, mos, scores, _note) for path in (a, b))
    comparison = compare(
        one,
        other,
        mos,
        names=names,
        higher_is_better=(
            direction(a, one, _not(a_lower), "--a-lower", _note),
            direction(b, other, _not(b_lower), "--b-lower", _note),
        ),
        mos_higher_is_better=direction(scores, mos, _not(mos_lower), "--mos-lower", _note),
        how=Resampling(seed=seed),
    )
    for line in _against(comparison.agreement):
        _note(line)
    shown = ["statistic", "value", "low", "high", "n"]
    for title, table, columns in (
        ("Agreement with the opinions", comparison.agreement, ["method", *shown]),
        (f"{names[0]} minus {names[1]}, paired", comparison.differences, [*shown, "p", "p_meng"]),
        ("Closed forms (normal data, independent images), a check", comparison.closed_forms, None),
    ):
        if len(table):
            text = (table if columns is None else table[columns]).to_string(
                index=False, float_format="{:.4g}".format, na_rep="–"
            )
            typer.echo(f"{title}\n{text}\n")
    protocols = comparison.agreement.groupby("protocol", sort=False)["statistic"].unique()
    for protocol, statistics in protocols.items():
        typer.echo(f"{', '.join(statistics)}: {protocol}")
    if out is not None:
        files.write_csv(pd.concat([comparison.agreement, comparison.differences], ignore_index=True), out)


def _note(text: str) -> None:
    typer.echo(f"note: {text}", err=True)


def _not(lower: bool | None) -> bool | None:
    return None if lower is None else not lower


def _against(agreement: pd.DataFrame) -> list[str]:
    """Name the scores that run against the opinions beyond their interval: a direction may be wrong.

    A perfectly reversed order has no interval; of fewer than five it is nothing.
    """
    from benchmark.statistics.bootstrap import MIN_UNITS

    reversed_ = agreement["value"].le(-1 + 1e-12) & agreement["units"].ge(MIN_UNITS)
    against = agreement["high"].lt(0) | reversed_
    whole = agreement[agreement["statistic"].eq("srcc") & against]
    return [
        f"{row.method} runs against the opinions (srcc {row.value:.3f}): is a direction wrong?"
        for row in whole.itertuples()
    ]
