"""Stage ``pictures``: small copies of every scored picture, made once, and what each method errs on it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from benchmark import files
from benchmark.arrays import Floats
from benchmark.pictures.failures import failures, opposed
from benchmark.pictures.residuals import CURVE, RESIDUALS, explained
from benchmark.pictures.sample import sample
from benchmark.pictures.thumbnails import packed
from experiments import process
from experiments.runs import available, results, stage
from experiments.runs.cells import Cells, Tables, code
from experiments.settings import Settings

FOLDER = stage.RESULTS / "pictures"
#: Pictures on which all fail, and pairs for each two methods.
FAILURES, PAIRS = 12, 3
#: Pictures among which pairs are sought, for they are as many as its square.
AMONG = 1500
#: File of a data set -> what follows its name.
FILES = {"residuals": ".csv", "curves": ".curves.csv", "wrong": ".wrong.csv"}
WRONG = ("kind", "method_a", "method_b", "image", "other", "value")


def pictures() -> None:
    """Write ``results/pictures``: of each data set small copies (``NAME.zip``) and tables (`FILES`)."""
    settings = available.narrowed(stage.start())
    cells = Cells(FOLDER)
    written = []
    for dataset in settings.score.datasets:
        data = results.pictured(dataset, settings.prepare)
        small = {"code": code("benchmark.pictures.thumbnails"), "of": stage.sha256(results.stated_in(data))}
        images = data.manifest["image"].tolist()
        if settings.report.pictures != "none":
            short = data.record.short_side
            cells.file(f"{dataset}.zip", small, lambda: packed(data.root, images, short))  # noqa: B023
        for name, table in errors(data, list(settings.methods), settings).items():
            path = f"{dataset}{FILES[name]}"
            files.write_csv(table, FOLDER / path)  # scores as they are: pages rank pictures by them
            written.append(path)
    cells.close(also=written)


def errors(data: results.Dataset, methods: list[str], settings: Settings) -> Tables:
    """Residuals and fitted curves of all methods that have scored a data set, and where they are wrong."""
    name = data.root.name
    rows, curves = list[pd.DataFrame](), list[pd.DataFrame]()
    for method in available.scored_by(methods, name):
        scores = results.method_scores(method, name)
        left, curve = explained(scores, data.manifest, settings.evaluate.mapping)
        rows.append(left.assign(method=method))
        curves.append(curve.assign(method=method))
    residuals = _one(rows, ["method", *RESIDUALS])
    return {
        "residuals": residuals,
        "curves": _one(curves, ["method", *CURVE]),
        "wrong": wrong(residuals, data, settings),
    }


def wrong(residuals: pd.DataFrame, data: results.Dataset, settings: Settings) -> pd.DataFrame:
    """Pictures that all methods misjudge (``all``), and pairs that two of them order oppositely (``pair``).

    Of a pair ``image`` is the one that people find better, and ``method_a`` the method that agrees with them.
    """
    better = results.higher_is_better(residuals["method"].unique())
    wide = residuals.set_index(["image", "method"])["score"].unstack()[list(better)]  # noqa: PD010
    manifest = data.rated(settings.evaluate.ratings.get(data.root.name)).set_index("image")
    wide = wide.join(manifest["mos"]).replace([np.inf, -np.inf], np.nan).dropna()
    if len(wide) < 3 or not better:
        return pd.DataFrame(columns=list(WRONG))
    wide[[name for name, up in better.items() if not up]] *= -1
    wide["mos"] *= 1 if data.record.higher_is_better else -1
    ranks = (wide.rank() - 0.5) / len(wide)
    rows = [
        ("all", "", "", wide.index[place], "", value)
        for place, value in failures(ranks[list(better)].to_numpy().T, ranks["mos"].to_numpy(), FAILURES)
    ]
    few = sample(list(wide.index), wide, AMONG, settings.seed)
    part, ranks = wide.iloc[few], ranks.iloc[few]
    error = _error(manifest.loc[part.index])
    for pair in combinations(better, 2):
        found = opposed(ranks[list(pair)].to_numpy().T, part["mos"].to_numpy(), error, PAIRS)
        for row in found.itertuples():
            images = (part.index[row.better], part.index[row.worse])
            rows.append(("pair", pair[row.right], pair[1 - row.right], *images, row.margin))
    return pd.DataFrame(rows, columns=list(WRONG))


def _error(manifest: pd.DataFrame) -> Floats | None:
    """Standard error of each opinion; the deviation itself where nobody says of how many ratings."""
    if manifest["mos_std"].isna().any():
        return None
    behind = manifest["ratings"] if "ratings" in manifest else pd.Series(1.0, manifest.index)
    return (manifest["mos_std"] / np.sqrt(behind.fillna(1))).to_numpy()


def _one(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled)[columns] if filled else pd.DataFrame(columns=columns)


if __name__ == "__main__":
    process.run(pictures)
