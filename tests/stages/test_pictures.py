"""Stage ``pictures`` and the pages of its files, against the opinions and scores that they are made from."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets.prepared import load
from benchmark.reporting import explorer, wrong
from benchmark.reporting.gathered import Gathered, gathered
from benchmark.reporting.run import Run
from experiments.stages.pictures import PAIRS, pictures
from tests.stages.planted import METHODS, SETS, change, rows, scores


@pytest.fixture
def run(planted: Path) -> Run:
    """The planted run after the stage, whose `qualiclip` says of all pictures nearly the same."""
    quality = rows("koniq10k")["quality"].rank().to_numpy()
    path = planted / "results/scores/qualiclip/koniq10k.csv"
    close = 1 - 6e-8 * (quality.max() - quality)  # steps of single precision below 1
    scores("qualiclip", "koniq10k").assign(score=close).to_csv(path, index=False, float_format="%.9g")
    change(planted, report={"pictures": "none"})
    pictures()
    folders = {name: str(planted / name) for name in ("results", "data", "models")}
    return Run(**folders, params=str(planted / "params.yaml"), commit="")


def better(dataset: str) -> pd.DataFrame:
    """Scores of every method and opinions (``mos``), all turned so that more is better."""
    table = {name: scores(name, dataset)["score"] * (1 if up else -1) for name, (_, _, up) in METHODS.items()}
    frame = rows(dataset)
    return pd.DataFrame(table | {"mos": frame["mos"] * (1 if SETS[dataset][4] else -1)}).set_index(
        frame["image"]
    )


def test_scores_that_differ_by_little_have_the_ranks_and_the_order_that_they_have(run: Run) -> None:
    one = gathered(run, "koniq10k")
    assert one is not None
    quality = rows("koniq10k").set_index("image")["quality"]
    wanted = (quality.rank() - 0.5) / len(quality)
    np.testing.assert_allclose(one.ranks["qualiclip"], wanted[one.ranks.index])
    columns = explorer.table(one, {name: name for name in one.higher})
    said = next(each for each in columns["methods"] if each["name"] == "qualiclip")
    images = columns["columns"]["image"]
    assert [images[k] for k in np.argsort(said["score"], kind="stable")] == list(quality.sort_values().index)
    assert said["rank"] == [round(1000 * wanted[image]) for image in images]


@pytest.mark.parametrize("dataset", ["csiq", "toy"])
def test_where_methods_are_wrong_is_what_each_picture_and_pair_says(run: Run, dataset: str) -> None:
    """Every picture and every pair is looked at; opinions of ``csiq`` fall, scores of ``turned`` do."""
    table = better(dataset).sort_index()
    found = pd.read_csv(
        run.source(f"results/pictures/{dataset}.wrong.csv").name, keep_default_na=False
    )  # the working folder is the run's
    share = (table.rank() - 0.5) / len(table)
    # `reversed` is wrong wherever `qualiclip` is right: all are wrong in one direction nowhere.
    assert found[found["kind"].eq("all")].empty
    spread = rows(dataset).get("mos_std", pd.Series([np.nan])).iloc[0]
    clear = table["mos"].std(ddof=0) / 2 if np.isnan(spread) else 1.96 * np.hypot(spread, spread)
    pairs = found[found["kind"].eq("pair")]
    for a, b in combinations(METHODS, 2):
        own = pairs[pairs["method_a"].isin([a, b]) & pairs["method_b"].isin([a, b])]
        ranks = list(zip(table["mos"], share[a], share[b], strict=True))
        margins = [
            min(abs(one[1] - two[1]), abs(one[2] - two[2]))
            for one, two in combinations(ranks, 2)
            if abs(one[0] - two[0]) > clear and (one[1] - two[1]) * (one[2] - two[2]) < 0
        ]
        assert len(own) <= PAIRS
        assert bool(len(own)) == bool(margins)
        if margins:
            assert own["value"].max() == pytest.approx(max(margins))
        for row in own.itertuples():
            assert table["mos"][row.image] - table["mos"][row.other] > clear
            assert share[row.method_a][row.image] - share[row.method_a][row.other] >= row.value - 1e-6
            assert share[row.method_b][row.other] - share[row.method_b][row.image] >= row.value - 1e-6


def test_all_fail_is_said_in_the_direction_in_which_they_do(planted: Path) -> None:
    """Of falling opinions the worst picture is given the best, which every method denies."""
    change(planted, report={"pictures": "none"})
    for name in set(METHODS) - {"qualiclip", "turned", "noisy"}:
        (planted / f"results/scores/{name}/csiq.csv").unlink()
    path = planted / "data/csiq/manifest.csv"
    manifest = pd.read_csv(path).set_index("image")
    worst, best = manifest["mos"].idxmax(), manifest["mos"].idxmin()
    manifest.loc[[worst, best], "mos"] = manifest.loc[[best, worst], "mos"].to_numpy()
    manifest.reset_index().to_csv(path, index=False)
    pictures()
    found = pd.read_csv("results/pictures/csiq.wrong.csv").query("kind == 'all'").set_index("image")["value"]
    assert found[worst] < -0.5  # all rank it lower than people now do
    assert found[best] > 0.5


def test_people_order_a_pair_clearly_by_the_error_of_a_mean_of_ratings(planted: Path) -> None:
    """Opinions of ``koniq10k`` are of 20 ratings: the deviation of one would part few."""
    change(planted, report={"pictures": "none"})
    path = planted / "data/koniq10k/manifest.csv"
    pd.read_csv(path).assign(mos_std=10.0).to_csv(path, index=False)
    pictures()
    found = pd.read_csv("results/pictures/koniq10k.wrong.csv").query("kind == 'pair'")
    mos = rows("koniq10k").set_index("image")["mos"]
    gaps = mos[found["image"]].to_numpy() - mos[found["other"]].to_numpy()
    assert gaps.min() > 1.96 * np.hypot(10, 10) / np.sqrt(20)
    assert gaps.min() < 1.96 * np.hypot(10, 10)


@pytest.mark.parametrize("higher", [True, False])
def test_residuals_stand_under_the_side_on_which_they_lie(run: Run, higher: bool) -> None:
    """Of six pictures five are better than the score says, or worse where opinions fall; none is on both."""
    record = replace(load("toy", "data").record, higher_is_better=higher)
    names = [f"{k}.png" for k in range(6)]
    left = [5.0, 4.0, 3.0, 2.0, 1.0, -6.0]
    manifest = pd.DataFrame({"image": names, "mos": 0.0}).set_index("image")
    errors = pd.DataFrame({"method": "noisy", "image": names, "score": 1.0, "fitted": 0.0, "residual": left})
    html = wrong._residuals(run, Gathered("toy", record, manifest, errors, {"noisy": True}, None))
    over, under = str(html).split("worse than it says", 1)
    shown = {"better": re.findall(r"<p>(\d)\.png: residual", over)}
    shown["worse"] = re.findall(r"<p>(\d)\.png: residual", under)
    assert shown[("worse", "better")[higher]] == ["0", "1", "2", "3"]
    assert shown[("better", "worse")[higher]] == ["5"]


def test_a_spread_without_width_lies_at_its_opinion_and_ties_share_a_place(run: Run) -> None:
    one = gathered(run, "koniq10k")
    assert one is not None
    mos = np.repeat([1.0, 2.0, 3.0, 4.0], [10, 5, 20, 5])
    tied = replace(one, manifest=one.manifest.assign(mos=mos, mos_std=0.0))
    for end in tied.opinion_spread():
        np.testing.assert_allclose(end, tied.opinion_rank)
    low, high = replace(one, manifest=one.manifest.assign(mos=mos, mos_std=1.0)).opinion_spread()
    places = {0: 0, 1: 5 / 40, 2: 12.5 / 40, 3: 25 / 40, 4: 37.5 / 40, 5: 1}
    np.testing.assert_allclose(low, [places[int(value) - 1] for value in mos])
    np.testing.assert_allclose(high, [places[int(value) + 1] for value in mos])
