"""``iqa compare``: two files of scores against opinions, as the suite compares its own methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd


def command(
    a: Annotated[Path, typer.Argument(help="CSV with image,score.")],
    b: Annotated[Path, typer.Argument(help="CSV with image,score.")],
    scores: Annotated[
        Path, typer.Option(help="CSV with image,mos and, where known, mos_std,reference,distortion,level.")
    ],
    a_lower: Annotated[bool, typer.Option("--a-lower", help="Lower scores of A are better.")] = False,
    b_lower: Annotated[bool, typer.Option("--b-lower", help="Lower scores of B are better.")] = False,
    mos_lower: Annotated[bool, typer.Option("--mos-lower", help="Lower opinions are better (DMOS).")] = False,
    out: Annotated[Path | None, typer.Option(help="CSV file for every number with its protocol.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Agreement of both with intervals, their difference and its tests; docs/protocols.md explains them."""
    import pandas as pd

    from benchmark.protocols import Resampling, compare

    names = (a.stem, b.stem) if a.stem != b.stem else ("A", "B")
    found = compare(
        read(a, "score"),
        read(b, "score"),
        read(scores, "mos"),
        names=names,
        higher_is_better=(not a_lower, not b_lower),
        mos_higher_is_better=not mos_lower,
        how=Resampling(seed=seed),
    )
    shown = ["statistic", "value", "low", "high", "n"]
    for title, table, columns in (
        ("Agreement with the opinions", found.agreement, ["method", *shown]),
        (f"{names[0]} minus {names[1]}, paired", found.differences, [*shown, "p", "p_meng"]),
        ("Closed forms (normal data, independent images), a check", found.closed_forms, None),
    ):
        if len(table):
            text = (table if columns is None else table[columns]).to_string(
                index=False, float_format="{:.4g}".format, na_rep="–"
            )
            typer.echo(f"{title}\n{text}\n")
    protocols = found.agreement.groupby("protocol", sort=False)["statistic"].unique()
    for protocol, statistics in protocols.items():
        typer.echo(f"{', '.join(statistics)}: {protocol}")
    if out is not None:
        from experiments import stage

        stage.write_csv(pd.concat([found.agreement, found.differences], ignore_index=True), out)


def read(path: Path, column: str) -> pd.DataFrame:
    """Read a CSV file with the columns ``image`` and ``column``.

    Raises
    ------
    ValueError
        If the file is missing, is no table, or lacks one of them.
    """
    import pandas as pd

    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    try:
        frame = pd.read_csv(path, dtype={"image": str, "reference": str, "distortion": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no CSV table: {error}") from error
    for name in ("image", column):
        if name not in frame:
            raise ValueError(f"{path} lacks the column {name!r}: it has {', '.join(map(str, frame.columns))}")
    if frame.empty:
        raise ValueError(f"{path} lists no image")
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise ValueError(f"{path}: the column {column!r} holds something that is no number")
    return frame
