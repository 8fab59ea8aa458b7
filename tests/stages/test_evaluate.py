"""Stage `evaluate` on a run whose answers are known: values, directions, leaks, figures and signatures."""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.datasets import load, write_dataset
from benchmark.protocols import within
from benchmark.statistics import discrimination
from experiments.stages import ablation, cross_dataset, evaluate, gmad
from tests.made import trained
from tests.stages.planted import ABOUT, METHODS, SETS, keep, rows, scores

RANKED = {"qualiclip": 1.0, "turned": 1.0, "reversed": -1.0}
#: Which method has learnt from which data set, and how: see `tests.stages.planted`.
LEARNT = {("rated", "koniq10k"), ("named", "koniq10k"), ("opinions", "csiq"), ("taught", "csiq")}


def cell(table, statistic, **keys):
    frame = table[table["statistic"].eq(statistic)]
    for name, value in keys.items():
        frame = frame[frame[name].eq(value)]
    return frame.iloc[0]


@pytest.mark.parametrize("dataset", SETS)
def test_both_directions_of_score_and_opinion_end_with_more_is_better(table, dataset):
    whole = table("zero_shot")
    for method, expected in RANKED.items():
        for name in ("srcc", "krcc", "plcc", "srcc_level", "srcc_splits"):
            found = cell(whole, name, method=method, dataset=dataset)
            count = 30 if name == "srcc_level" else 40  # ten are pristine, and in no series
            assert (found["value"], found["n"]) == (pytest.approx(expected), count), (method, name)
        inside = cell(table("by_distortion"), "srcc", method=method, dataset=dataset)
        assert (inside["value"], inside["n"]) == (pytest.approx(expected), 30)
    constant = whole[whole["method"].eq("constant") & whole["dataset"].eq(dataset)].set_index("statistic")
    assert constant.loc[["srcc", "krcc", "plcc", "rmse"], "value"].isna().all()
    assert "all values equal" in constant.loc["srcc", "protocol"]
    assert constant.loc["srcc_level", "value"] == 0


@pytest.mark.parametrize("dataset", SETS)
def test_a_method_that_is_half_right_has_the_values_of_scipy(table, dataset):
    quality = rows(dataset)["quality"]
    for method in ("noisy", "taught"):
        said = scores(method, dataset)["score"]
        for name, function in (
            ("srcc", stats.spearmanr),
            ("krcc", stats.kendalltau),
            ("plcc_raw", stats.pearsonr),
        ):
            found = cell(table("zero_shot"), name, method=method, dataset=dataset)
            assert found["value"] == pytest.approx(function(said, quality).statistic, abs=1e-8), name
            assert found["low"] < found["value"] < found["high"]
        structure = cell(table("structure"), "mos_bytes", method=method, dataset=dataset)
        same = cell(table("structure"), "mos_bytes", method="qualiclip", dataset=dataset)
        assert structure["value"] == same["value"]


def test_every_table_holds_all_that_a_data_set_gives(table):
    """Who says the same everywhere has no rank and no map, and who learnt from a set no rank there."""

    def of(name, *columns):
        return set(table(name)[list(columns)].itertuples(index=False, name=None))

    for name in ("by_distortion", "structure", "pairs_by_gap"):
        assert of(name, "method", "dataset") == set(itertools.product(METHODS, SETS)), name
    differing = set(METHODS) - {"constant"}
    assert of("ranks", "method", "dataset") == set(itertools.product(differing, SETS)) - LEARNT
    assert of("calibration", "method", "train", "test") == set(itertools.product(differing, SETS, SETS))
    assert table("resolvable")["dataset"].value_counts().to_dict() == dict.fromkeys(SETS, 3)
    assert set(table("ceiling")["dataset"]) == {"koniq10k"}  # nobody says how many rated a picture of CSIQ
    assert set(table("discrimination_differences")["dataset"]) == {"koniq10k", "csiq"}


def test_a_method_is_marked_where_it_has_learnt_from_the_set_and_nowhere_else(table):
    whole = table("zero_shot")
    marked = whole[whole["overlap"].astype(str).eq("True")]
    assert set(zip(marked["method"], marked["dataset"], strict=True)) == LEARNT
    assert set(whole["overlap"].astype(str)) == {"True", "False"}


def test_published_figures_stand_beside_a_method_with_a_paper_alone(table):
    whole = table("zero_shot")
    there = whole[whole["published"].notna()]
    assert set(there["method"]) == {"qualiclip"}
    figures = there.set_index(["dataset", "statistic"])["published"].to_dict()
    assert figures == {("koniq10k", "srcc"): 0.817, ("koniq10k", "plcc"): 0.838, ("csiq", "srcc"): 0.804}
    assert set(there["standing"]) == {"S"}
    known = table("published")
    assert set(known["dataset"]) == {"koniq10k", "csiq"}


def test_a_difference_is_that_of_the_first_from_the_second(table):
    pairs = table("differences")
    assert len(pairs) == len(SETS) * 36
    for dataset in SETS:
        quality = rows(dataset)["quality"]
        each = {
            m: stats.spearmanr(scores(m, dataset)["score"], quality).statistic for m in ("noisy", "rated")
        }
        found = cell(pairs, "srcc", dataset=dataset, method_a="noisy", method_b="rated")
        assert found["value"] == pytest.approx(each["noisy"] - each["rated"])
        assert found["low"] < found["value"] < found["high"] < 0
        assert found["p"] <= found["p_holm"] < 0.05
        same = cell(pairs, "srcc", dataset=dataset, method_a="qualiclip", method_b="turned")
        assert (same["value"], same["p"]) == (0, 1)


def test_wins_leave_out_the_sets_that_either_has_learnt_from(table):
    counted = table("wins").set_index(["method_a", "method_b"])
    assert counted.loc[("rated", "noisy")].tolist() == [2, 0, 0]
    assert counted.loc[("noisy", "rated")].tolist() == [0, 0, 2]
    assert counted.loc[("qualiclip", "turned")].tolist() == [0, 3, 0]
    assert counted.loc[("rated", "opinions")].sum() == 1
    across = table("across_sets").set_index(["method_a", "method_b"])
    assert across.loc[("qualiclip", "reversed"), ["median_difference", "n"]].tolist() == [2, 3]
    assert across.loc[("noisy", "taught"), "n"] == 2
    assert set(table("mean_ranks")["method"]) == {*METHODS} - {"constant"}  # which has no value anywhere


def test_over_sets_too_methods_are_compared_on_the_pictures_that_all_have_scored(planted):
    keep(planted, ["taught", "noisy"])
    expected = []
    for dataset in ("koniq10k", "toy"):  # `taught` has seen the third
        said = {name: scores(name, dataset)["score"] for name in ("taught", "noisy")}
        frame = rows(dataset).assign(**said)
        easy = frame["level"].isin([0, 3]) if dataset == "toy" else frame["level"] >= 0
        path = planted / f"results/scores/noisy/{dataset}.csv"
        pd.read_csv(path).assign(score=frame["noisy"].where(easy)).to_csv(path, index=False)
        srcc = {name: stats.spearmanr(frame[name][easy], frame["quality"][easy]).statistic for name in said}
        expected.append(srcc["taught"] - srcc["noisy"])
    evaluate.evaluate()
    (row,) = pd.read_csv(planted / "results/tables/across_sets.csv").to_dict("records")
    sign = 1 if row["method_a"] == "taught" else -1
    assert row["median_difference"] == pytest.approx(sign * np.median(expected))
    assert row["n"] == 2


def test_areas_are_of_the_sets_with_deviations_and_turned_alike(table):
    areas = table("discrimination")
    assert set(areas["dataset"]) == {"koniq10k", "csiq"}
    for dataset in ("koniq10k", "csiq"):
        expected = {"qualiclip": 1, "turned": 1, "reversed": 0, "constant": 0.5}
        for method, area in expected.items():
            found = cell(areas, "auc_better_worse", dataset=dataset, method=method)
            assert found["value"] == pytest.approx(area)
    assert len(table("discrimination_differences")) >= 36


def test_metrics_hold_what_the_table_holds(made, table):
    metrics = json.loads((made / "results/metrics.json").read_text())
    one = table("zero_shot").query("method == 'qualiclip' and statistic == 'srcc'")
    assert metrics["srcc"] == dict(zip(one["dataset"], one["value"].round(4), strict=True))
    assert metrics["srcc"]["csiq"] == 1.0


def version(name):
    """Version of a method as docs/protocols.md says: its code, its weights, and what loads it."""
    one = ABOUT[name]
    text = "\n".join([one.code_sha256, one.weights_sha256, json.dumps(one.load)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_every_row_is_signed_by_its_methods_and_its_data(table):
    whole, pairs = table("zero_shot"), table("differences")
    data = {}
    for row in whole.to_dict("records"):
        start, _, digest = row["signature"].rpartition("|data=")
        count = {"half": 20, "test": 8, "level": 30}.get(row["statistic"].rpartition("_")[2], 40)
        assert start == f"n={count}|{row['protocol']}|input=whole image|method={version(row['method'])}"
        assert data.setdefault(row["dataset"], digest) == digest
    assert len(set(data.values())) == len(SETS)
    row = cell(pairs, "srcc", dataset="csiq", method_a="noisy", method_b="rated")
    both = f"{version('noisy')}+{version('rated')}"
    assert row["signature"].endswith(f"|input=whole image|method={both}|data={data['csiq']}")


@pytest.mark.parametrize("part", ["code_sha256", "weights_sha256", "load"])
def test_another_code_weight_or_setting_is_another_version(part):
    one = trained(code_sha256="1" * 64, weights_sha256="2" * 64)
    other = replace(one, **{part: {"scale": 50} if part == "load" else "0" * 64})
    assert other.version != one.version == replace(one, name="another").version


def test_a_set_that_nobody_scored_and_a_method_that_scored_nothing(planted, capsys):
    keep(planted, ["qualiclip", "noisy", "taught", "rated"], ["csiq"])
    path = planted / "results/scores/noisy/csiq.csv"
    pd.read_csv(path).assign(score=np.nan, error="unreadable").to_csv(path, index=False)
    (planted / "results/scores/taught/csiq.csv").unlink()
    evaluate.evaluate()
    assert "left out: taught has not scored csiq" in capsys.readouterr().err
    whole = pd.read_csv(planted / "results/tables/zero_shot.csv")
    assert set(whole["method"]) == {"qualiclip", "noisy", "rated"}
    assert whole.loc[whole["method"].eq("noisy"), "value"].isna().all()
    pairs = pd.read_csv(planted / "results/tables/differences.csv")
    assert pairs[["method_a", "method_b", "n"]].to_numpy().tolist() == [["qualiclip", "rated", 40]]
    assert pd.read_csv(planted / "results/tables/mean_ranks.csv").empty
    assert pd.read_csv(planted / "results/tables/across_sets.csv").empty


def test_one_method_alone_has_no_pairs(planted):
    keep(planted, ["qualiclip"], ["toy"])
    evaluate.evaluate()
    for name in ("differences", "discrimination", "wins", "across_sets"):
        assert pd.read_csv(planted / f"results/tables/{name}.csv").empty, name
    assert len(pd.read_csv(planted / "results/tables/zero_shot.csv")) > 5


def test_a_method_more_sorts_no_pairs_of_the_others_again(planted, monkeypatch):
    settings = evaluate.stage.start(torch=False)
    monkeypatch.setattr(evaluate.stage, "start", lambda **_: settings)
    count, counted = discrimination.tally_of, []
    monkeypatch.setattr(discrimination, "tally_of", lambda *of: counted.append(of[1]) or count(*of))
    last = settings.methods.pop("noisy")
    for name in set(settings.methods) - {"turned", "taught"}:
        settings.methods.pop(name)
    settings.score.datasets.remove("toy")
    evaluate.evaluate()
    assert len(counted) == 2 * len(settings.methods)  # of two data sets
    counted.clear()
    settings.methods["noisy"] = last
    evaluate.evaluate()
    assert counted == [len(settings.methods) - 1] * 2
    kept = Path("results/tables/discrimination.csv").read_bytes()
    counted.clear()
    for kind in ("pairs.json", "counts.npz"):
        for path in Path("results/agreement").glob(f"*.{kind}"):
            path.unlink()
    evaluate.evaluate()
    assert len(counted) == 2 * len(settings.methods)
    assert Path("results/tables/discrimination.csv").read_bytes() == kept


def test_a_set_whose_opinions_hold_within_a_reference_has_those_figures_and_no_others(planted, monkeypatch):
    data = load("csiq", "data")
    write_dataset(planted / "data/csiq", replace(data.record, within=True), data.manifest)
    monkeypatch.setattr(within, "LEAST", 4)
    for stage in (evaluate.evaluate, cross_dataset.cross_dataset, gmad.gmad, ablation.ablation):
        stage()
    whole = pd.read_csv("results/tables/zero_shot.csv")
    csiq = whole[whole["dataset"].eq("csiq")]
    assert set(csiq["statistic"]) == {"srcc_within", "krcc_within", "plcc_raw_within", "srcc_level"}
    for method, expected in RANKED.items():
        assert cell(csiq, "srcc_within", method=method)["value"] == pytest.approx(expected)
    for name in ("differences", "ceiling", "ranks", "calibration", "discrimination", "by_distortion",
                 "cross_dataset", "gmad"):  # fmt: skip
        table = pd.read_csv(f"results/tables/{name}.csv")
        of = table[[column for column in ("dataset", "train", "test") if column in table]]
        rows = table[of.eq("csiq").any(axis=1)]
        assert rows.empty or set(rows["statistic"]) == {"srcc_level"}, name
        assert len(rows) < len(table), name
