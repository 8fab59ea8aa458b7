"""Directions, types and scores that the tests of protocols share."""

import pandas as pd

from tests.draws import generator

UP = {"higher_is_better": True, "mos_higher_is_better": True}
TYPES = ("blur", "jpeg", "noise")


def scores_of(manifest, noise=1.0, seed=1):
    g = generator(seed)
    return pd.DataFrame(
        {"image": manifest["image"], "score": manifest["mos"] + noise * g.normal(size=len(manifest))}
    )


def row(table, statistic, **keys):
    for key, value in {"statistic": statistic, **keys}.items():
        table = table[table[key].eq(value)]
    assert len(table) == 1
    return table.iloc[0]
