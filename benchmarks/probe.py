"""The same-set probe of a method's features on a folder of rated pictures, by the suite's own protocol.

    python benchmarks/probe.py encoder --set model=mobilenet_v2 --set weights=FILE \
        --rated agiqa3k/images --scores agiqa3k/data.csv

Prints the median SRCC and PLCC over ten splits with their intervals, and the quartiles. ``--keep FILE`` keeps
the features, so that a second run reads them.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
import yaml

import methods
from benchmark.protocols import Features, probe
from benchmark.scoring import features_files


def main(
    method: Annotated[str, typer.Argument(help="A method with features.")],
    rated: Annotated[Path, typer.Option(help="Folder of rated pictures.")],
    scores: Annotated[Path, typer.Option(help="CSV with a column `name` and one of opinions.")],
    column: Annotated[str, typer.Option(help="The column of opinions; more is better.")] = "mos_quality",
    settings: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE of the method.")] = None,
    keep: Annotated[Path | None, typer.Option(help="File (.npz) that keeps the features.")] = None,
) -> None:
    torch.set_num_threads(1)
    table = pd.read_csv(scores, keep_default_na=False)
    if keep is not None and keep.is_file():
        held = np.load(keep)
        names, rows = held["image"], held["features"]
    else:
        given = {key: yaml.safe_load(value) for key, _, value in (s.partition("=") for s in settings or [])}
        names, rows, errors = features_files(list(table["name"]), methods.load(method, **given), root=rated)
        print(f"{len(rows)} rows, {len(errors)} pictures left out")
        if keep is not None:
            np.savez(keep, image=np.asarray(names), features=rows)
    manifest = pd.DataFrame({"image": table["name"], "mos": table[column]})
    found = probe(Features.of(names, rows), manifest, mos_higher_is_better=True)
    print(found[["statistic", "value", "low", "high", "n", "protocol"]].to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
