"""What a method has learnt before decides what it is compared with, and on which data sets."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.images import write_png
from benchmark.provenance.published import attach
from experiments.analyses import leaks, over_sets
from experiments.runs.cells import Cells
from experiments.stages import evaluate
from methods.pyiqa import card_of
from tests.made import trained


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (trained(rated="koniq10k"), "koniq10k"),
        (trained(card={"opinions_of": "kadid10k"}), "kadid10k"),
        (trained(), ""),
    ],
)
def test_the_data_set_whose_opinions_were_learnt(method, expected):
    assert leaks.opinions_of(method) == expected


def test_published_prompts_and_regressors_say_whose_opinions_they_learnt():
    import methods.clipiqa_plus

    assert methods.clipiqa_plus.PUBLISHED.opinions_of == "koniq10k"
    assert methods.card("qualiclip").opinions_of == ""


def test_published_figures_of_other_weights_and_of_a_training_set():
    table = pd.DataFrame({"dataset": ["koniq10k", "spaq", "live"], "statistic": "srcc"})
    official = attach(table.assign(method="qualiclip_official"), method="qualiclip")
    assert official["published"].tolist() == [0.817, 0.841, 0.898]
    pyiqa = attach(table.assign(method="clipiqa_pyiqa"))
    # Of this figure's five pairs, pyiqa scored pictures of 512x384; 0.695 is of the two prompts.
    assert pyiqa["published"].isna().all()
    learnt = attach(table.assign(method="clipiqa_plus"), opinions_of="koniq10k")
    assert np.isnan(learnt["published"][0])  # the published 0.895 is of a part that was held out
    assert learnt["published"].tolist()[1] == 0.864
    arniqa = attach(table.assign(method="arniqa"), opinions_of="kadid10k")
    assert arniqa["published"].tolist()[2] == 0.898


@pytest.mark.parametrize(
    ("row", "card", "expected"),
    [
        ("niqe", {"published_as": ""}, None),  # fitted here, whatever the row is called
        ("niqe", {}, None),  # trained by an earlier version of the suite
        ("niqe", {"published_as": "niqe"}, 0.551),
        ("theirs", {"published_as": "niqe"}, 0.551),
        ("clipiqa_pyiqa", {"published_as": "clipiqa"}, 0.695),
    ],
)
def test_a_row_stands_beside_what_its_card_says_and_not_beside_its_name(row, card, expected):
    table = pd.DataFrame({"method": [row], "dataset": "koniq10k", "statistic": "srcc", "value": 0.5})
    table["protocol"] = "zero-shot, whole set"
    found = evaluate._compared(table, trained(row, card, method="niqe"), False)
    assert found["method"].tolist() == [row]
    assert found["published"].isna().all() if expected is None else found["published"].tolist() == [expected]


def of_sets(values, fair):
    """Data sets ``d0``, ``d1``, ... of 100 pictures, where each method has its value and who is fair."""
    random = np.random.default_rng(0)
    sets = {}
    for i, column in enumerate(zip(*values.values(), strict=True)):
        value = pd.Series(column, index=list(values))
        draws = pd.DataFrame(value.to_numpy() + random.normal(0, 0.01, (50, len(value))), columns=value.index)
        among = tuple(method for method in values if fair(method, i))
        sets[f"d{i}"] = over_sets.OneSet(value, draws.clip(-1, 1), 100, 100, "whole set", among)
    return sets


def test_a_method_is_compared_on_no_data_set_that_it_has_learnt_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {"a": [0.5, 0.6, 0.7, 0.8], "b": [0.4, 0.5, 0.6, 0.7], "learnt": [0.99, 0.1, 0.2, 0.3]}
    rows = [
        {"method": m, "dataset": f"d{i}", "statistic": "srcc", "value": v, "overlap": (m, i) == ("learnt", 0)}
        for m, column in values.items()
        for i, v in enumerate(column)
    ]
    pairs = pd.DataFrame(
        [
            {
                **{"dataset": f"d{i}", "method_a": a, "method_b": b, "statistic": "srcc", "p_holm": 0.001},
                "value": values[a][i] - values[b][i],
            }
            for a, b in (("a", "b"), ("a", "learnt"), ("b", "learnt"))
            for i in range(4)
        ]
    )
    sets = of_sets(values, lambda method, i: (method, i) != ("learnt", 0))
    over_sets.write(pd.DataFrame(rows).assign(n=100), pairs, sets, 0)
    wins = pd.read_csv("results/tables/wins.csv").set_index(["method_a", "method_b"])
    assert wins.loc[("a", "b")].tolist() == [4, 0, 0]
    assert wins.loc[("learnt", "a")].tolist() == [0, 0, 3]
    ranks = pd.read_csv("results/tables/mean_ranks.csv").set_index("method")
    assert ranks["mean_rank"].to_dict() == {"a": 1, "b": 2, "learnt": 3}
    assert set(ranks["n"]) == {3}
    assert set(ranks["left_out"]) == {"d0"}
    tests = pd.read_csv("results/tables/across_sets.csv").set_index(["method_a", "method_b"])
    assert tests.loc[("a", "learnt"), "n"] == 3


def test_a_pair_has_one_order_whatever_named_it_first():
    chances = pd.DataFrame(
        [("a", "b", 0.2, 0.1, 0.4, 0.75), ("c", "a", 0.3, 0.2, 0.5, 0.9)],
        columns=["method_a", "method_b", "difference", "difference_low", "difference_high", "chance"],
    )
    tests = pd.DataFrame([("a", "b"), ("a", "c")], columns=["method_a", "method_b"])
    kept, turned = over_sets._turned(chances, tests)[chances.columns].to_numpy().tolist()
    assert kept == ["a", "b", 0.2, 0.1, 0.4, 0.75]
    assert turned[:2] == ["a", "c"]
    assert turned[2:] == pytest.approx([-0.3, -0.5, -0.2, 0.1])


def test_metrics_are_the_srcc_of_one_method_by_data_set_and_no_nan():
    whole = pd.DataFrame(
        [("demo", "a", "srcc", 0.12346), ("demo", "a", "krcc", 0.1), ("demo", "b", "srcc", 0.9),
         ("koniq10k", "a", "srcc", np.nan)],
        columns=["dataset", "method", "statistic", "value"],
    )  # fmt: skip
    found = evaluate.metrics(whole, "a")
    assert found == {"srcc": {"demo": 0.1235, "koniq10k": None}}
    assert evaluate.metrics(whole, "c") == {"srcc": {}}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def a_set(name, title, rated_by="people"):
    record = SimpleNamespace(name=name, title=title, rated_by=rated_by)
    return SimpleNamespace(record=record, root=None, manifest=pd.DataFrame({"image": []}))


def about(opinions_of="", *, aware=True, rated="", training_data="none"):
    card = {"opinions_of": opinions_of, "opinion_aware": aware, "training_data": training_data}
    return trained(card=card, rated=rated)


@pytest.mark.parametrize(
    ("method", "name", "expected"),
    [
        (about("koniq10k"), "koniq10k", True),
        (about("koniq10k"), "clive", False),
        (about("live csiq kadid10k bid clive koniq10k"), "csiq", True),
        (about("live csiq kadid10k bid clive koniq10k"), "spaq", False),
        (about("live"), "tid2013", True),  # its photographs are those of LIVE
        (about("tid2013"), "tid2008", True),
        (about("koniq10k"), "koniqpp", True),  # the same pictures, rated anew
        (about("flive_patches"), "flive", True),  # crops of them
        (about("flive"), "koniqpp", False),
        (about("ava"), "koniq10k", False),
        (about("unknown"), "koniq10k", "unknown"),
        (about("fgrestore unknown"), "live", "unknown"),
        (about("koniq10k unknown"), "koniq10k", True),
        (about(""), "koniq10k", "unknown"),  # people's scores took part, and the card does not say whose
        (about("", aware=False), "koniq10k", False),
        (about("kadid10k", rated="spaq"), "spaq", True),
        (about("kadid10k", rated="spaq"), "kadid10k", True),
        (about("", rated="spaq"), "koniq10k", False),
    ],
)
def test_who_has_learnt_where(method, name, expected):
    assert leaks.leak(method, a_set(name, "A set"), "pristine") == expected


@pytest.mark.parametrize(("held", "expected"), [("p", True), ("r", True), ("x", False), ("xr", True)])
def test_a_picture_that_was_learnt_from_is_a_leak_in_whichever_set_it_lies(held, expected, monkeypatch):
    """Here ``p`` is a pristine picture of the training, ``r`` one whose opinion was learnt."""
    method = replace(about("", rated="mine"), weights_sha256="0" * 64)
    known = SimpleNamespace(of=lambda name, training=False: {"pristine": {"p"}, "mine": {"r"}}[name])
    monkeypatch.setattr(leaks.results, "digests", lambda data: set(held))
    assert leaks.leak(method, a_set("other", "Another set"), "pristine", known) is expected


def test_words_on_a_card_count_too_and_opinions_of_a_proxy_are_nobodys():
    named = about("", training_data="opinions of SPAQ")
    assert leaks.leak(named, a_set("spaq", "SPAQ"), "pristine") is True
    assert leaks.leak(about("unknown"), a_set("demo", "Demo", "proxy"), "pristine") is False


@pytest.mark.parametrize(
    ("metric", "dataset", "expected"),
    [
        ("topiq_nr", "koniq10k", True), ("topiq_nr", "spaq", False), ("topiq_nr-flive", "flive", True),
        ("musiq-ava", "flive", False), ("maniqa-kadid", "kadid10k", True), ("arniqa-clive", "clive", True),
        ("arniqa-clive", "live", False), ("brisque", "live", True), ("brisque", "tid2013", True),
        ("brisque", "koniq10k", False), ("qalign", "spaq", True), ("qalign", "clive", False),
        ("liqe_mix", "csiq", True), ("liqe", "csiq", False), ("qualiclip+-spaq", "spaq", True),
        ("qualiclip", "koniq10k", False), ("niqe", "koniq10k", False), ("pi", "cviu", True),
        ("brisque_matlab", "live", "unknown"), ("qrealign", "koniq10k", True), ("afine_nr", "pipal", True),
        ("qrealign", "live", "unknown"), ("of_next_year", "agiqa3k", "unknown"), ("metaiqa", "clive", True),
    ],
)  # fmt: skip
def test_rows_of_pyiqa_are_marked_where_they_learnt(metric, dataset, expected):
    from benchmark.datasets import catalogue

    method = trained(card=asdict(card_of(metric, True, "")))
    data = a_set(dataset, catalogue.entry(dataset).title)
    assert leaks.leak(method, data, "pristine") == expected


def test_what_is_unknown_is_compared_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {"a": [0.5, 0.6, 0.7], "b": [0.4, 0.5, 0.6], "secret": [0.99, 0.98, 0.97]}
    rows = [
        {"method": m, "dataset": f"d{i}", "statistic": "srcc", "value": v,
         "overlap": "unknown" if m == "secret" else False}
        for m, column in values.items() for i, v in enumerate(column)
    ]  # fmt: skip
    pairs = pd.DataFrame(
        [
            {"dataset": f"d{i}", "method_a": a, "method_b": b, "statistic": "srcc", "p_holm": 0.001,
             "value": 0.1}
            for a, b in (("a", "b"), ("a", "secret"), ("b", "secret")) for i in range(3)
        ]
    )  # fmt: skip
    sets = of_sets(values, lambda method, i: method != "secret")
    over_sets.write(pd.DataFrame(rows).assign(n=100), pairs, sets, 0)
    won = pd.read_csv("results/tables/wins.csv")
    assert set(zip(won["method_a"], won["method_b"], strict=True)) == {("a", "b"), ("b", "a")}
    assert set(pd.read_csv("results/tables/mean_ranks.csv")["method"]) == {"a", "b"}


def test_every_table_of_a_data_set_says_who_has_learnt_there(tmp_path, monkeypatch):
    """Tables by distortion and of Krasula's areas choose a best one too."""
    random = np.random.default_rng(0)
    manifest = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(24)], "mos": random.normal(50, 20, 24), "mos_std": 5.0,
            "reference": np.repeat(list("abcd"), 6), "distortion": ["blur", "noise"] * 12,
            "level": np.tile([1, 2, 3], 8), "split": None,
        }
    )  # fmt: skip
    for name in manifest["image"]:
        write_png(tmp_path / name, torch.rand(3, 8, 8))
    record = SimpleNamespace(name="koniq10k", title="KonIQ-10k", rated_by="people", higher_is_better=True)
    data = SimpleNamespace(record=record, root=tmp_path, manifest=manifest)
    cards = {"topiq": about("koniq10k"), "secret": about("unknown"), "niqe": about("", aware=False)}

    def scores(name, dataset):
        return pd.DataFrame({"image": manifest["image"], "score": random.normal(size=24), "error": ""})

    monkeypatch.setattr(evaluate.results, "pictured", lambda name, prepare: data)
    monkeypatch.setattr(evaluate.results, "method_scores", scores)
    monkeypatch.setattr(evaluate.available, "scored_by", lambda names, dataset: names)
    own = SimpleNamespace(resamples=20, interval="percentile", mapping="logistic4", ratings={}, margin=0.01)
    settings = SimpleNamespace(evaluate=own, seed=0, train=SimpleNamespace(dataset="pristine"), prepare=None)
    monkeypatch.setattr(evaluate.results, "stated_in", lambda data: [])
    monkeypatch.setattr(evaluate.results, "scores_of", lambda method, name: Path(__file__))
    data.rated = lambda told: manifest
    data.record.low, data.record.high = -np.inf, np.inf
    found, _ = evaluate._one_set("koniq10k", cards, settings, Cells(tmp_path / "cells"), leaks.Digests())
    for table in ("zero_shot", "by_distortion", "discrimination"):
        whole = pd.concat(found[table])
        said = whole.groupby("method")["overlap"].unique().map(list).to_dict()
        assert said == {"topiq": [True], "secret": ["unknown"], "niqe": [False]}, table
