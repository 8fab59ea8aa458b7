"""`iqa evaluate` and `benchmark.evaluate`: one method or file on one data set, without settings."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

import benchmark
import methods
from benchmark.datasets import Record, load, write_dataset
from benchmark.images import write_png
from benchmark.protocols import Resampling
from benchmark.statistics import mapping as maps
from experiments.cli import app
from experiments.scoring import kept_scores
from tests.stages.planted import picture

run = CliRunner()
COUNT = 24


@pytest.fixture
def rated(tmp_path, monkeypatch):
    """A prepared data set of people's DMOS, ten pictures that darken; no settings are there."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/csiq"
    folder.mkdir(parents=True)
    Path("downloads").mkdir()
    Path("downloads/csiq").symlink_to(folder)  # its release
    names = [f"{i:02d}.png" for i in range(COUNT)]
    for i, name in enumerate(names):
        write_png(folder / name, picture("csiq", f"r{i}", i % 4))
    dmos = np.random.RandomState(1).permutation(COUNT) / COUNT
    frame = pd.DataFrame({"image": names, "mos": dmos})
    write_dataset(folder, Record("csiq", "CSIQ", "", "", "DMOS", 0, 1, False, "people"), frame)
    return frame


def test_scores_of_any_kind_agree_with_opinions_as_scipy_has_it(rated):
    scores = pd.Series(np.random.RandomState(2).normal(size=COUNT), index=rated["image"])
    table = scores.rename("score").rename_axis("image").reset_index()
    expected = -stats.spearmanr(scores, rated["mos"]).statistic  # DMOS: less is better
    for given in (scores, dict(scores), table):
        found = benchmark.evaluate(given, "csiq").set_index("statistic")
        assert found.loc["srcc", "value"] == pytest.approx(expected)
        assert found.loc["krcc", "value"] == pytest.approx(-stats.kendalltau(scores, rated["mos"]).statistic)
        assert found.loc["srcc", "low"] < expected < found.loc["srcc", "high"]
        assert found.loc["srcc", "n"] == COUNT
        assert found["published"].isna().all()
    turned = benchmark.evaluate(scores, "csiq", higher_is_better=False).set_index("statistic")
    assert turned.loc["srcc", "value"] == pytest.approx(-expected)
    published = benchmark.evaluate(scores, "csiq", published_as="qualiclip").set_index("statistic")
    assert 0.7 < published.loc["srcc", "published"] < 0.9
    carried = benchmark.evaluate(scores, "csiq", published_as="arniqa", opinions_of="kadid10k")
    assert carried.set_index("statistic").loc["srcc", "published"] == 0.882  # trained on KADID-10k


def test_ratings_curve_and_resampling_that_are_told_are_those_that_count(rated):
    values = np.random.RandomState(2).normal(size=COUNT) - 3 * rated["mos"].to_numpy()
    scores = pd.Series(values, index=rated["image"])
    stored = load("csiq", "data")
    falling = replace(stored, manifest=stored.manifest.assign(mos_std=0.2 + 0.4 * stored.manifest["mos"]))
    rising = replace(
        falling,
        record=replace(stored.record, higher_is_better=True, low=-1, high=0),
        manifest=falling.manifest.assign(mos=-falling.manifest["mos"]),
    )
    given = {"ratings": 9, "how": Resampling(40, 3, "percentile"), "mapping": "logistic5"}
    found, turned = (
        benchmark.evaluate(scores, data, **given).set_index("statistic") for data in (falling, rising)
    )
    error = falling.manifest["mos_std"] / 3
    expected = 1 - np.mean(error**2) / rated["mos"].var()
    assert found.loc["reliability", "value"] == pytest.approx(expected)
    assert found.loc["ceiling_lower_half", "value"] != found.loc["ceiling_upper_half", "value"]
    pd.testing.assert_series_equal(found["value"], turned["value"])
    curve = maps.fit(values, -rated["mos"], "logistic5")
    plcc = stats.pearsonr(curve(values), -rated["mos"]).statistic
    assert found.loc["plcc", "value"] == pytest.approx(plcc)
    assert "logistic5 mapping" in found.loc["plcc", "protocol"]
    assert "x40; 95% percentile, expanded; seed 3" in found.loc["srcc", "protocol"]


def test_a_table_that_says_its_direction_is_not_taken_for_the_other(rated):
    scores = rated[["image"]].assign(score=range(COUNT), direction="lower")
    for table in (scores, scores.rename(columns=str.title)):
        with pytest.raises(
            ValueError, match="higher_is_better=True, and the scores' column 'direction' says 'lower'"
        ):
            benchmark.evaluate(table, "csiq")
    found = benchmark.evaluate(scores, "csiq", higher_is_better=False).set_index("statistic")
    expected = stats.spearmanr(scores["score"], rated["mos"]).statistic
    assert found.loc["srcc", "value"] == pytest.approx(expected)


def test_names_of_other_pictures_are_shown_beside_those_that_would_do(rated):
    with pytest.raises(
        ValueError, match=r"no score is of a picture of 'csiq': 'a\.png' is none, '00\.png' would"
    ):
        benchmark.evaluate({"a.png": 1.0}, "csiq")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mapping": "logistic"}, r"mapping='logistic' is unknown; did you mean 'logistic[45]'"),
        ({"published_as": "qualicip"}, "published_as='qualicip' is unknown; did you mean 'qualiclip'"),
        ({"opinions_of": "konig10k"}, r"opinions_of: .* 'konig10k'; did you mean 'koniq10k'"),
        ({"opinions_of": "csiq,spaq"}, r"opinions_of: 'csiq,spaq' is no name"),
        ({"higher_is_better": "lower"}, r"higher_is_better .* must be True or False, not 'lower'"),
        ({"ratings": 0}, "at least one rating, not of 0"),
        ({"ratings": float("nan")}, "at least one rating, not of nan"),
    ],
)
def test_what_there_is_not_is_refused(rated, given, words):
    with pytest.raises(ValueError, match=words):
        benchmark.evaluate(dict.fromkeys(rated["image"], 1.0), "csiq", **given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "zero-shot, "),
        ({"opinions_of": "koniq10k"}, "zero-shot, "),
        ({"opinions_of": "koniq10k csiq"}, "learnt from this data set, "),
        ({"opinions_of": "koniq10k unknown"}, "exposure to this data set not known, "),
        ({"transductive": True}, "transductive, "),
    ],
)
def test_a_protocol_says_zero_shot_only_where_it_is(rated, given, words):
    found = benchmark.evaluate(dict.fromkeys(rated["image"], 1.0) | {"00.png": 2.0}, "csiq", **given)
    own = found["statistic"].isin(["srcc", "krcc", "plcc", "plcc_raw", "rmse", "srcc_splits"])
    assert own.sum() == 6
    assert found["protocol"][own].str.startswith(words).all()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "zero-shot, "),
        ({"training_data": "pictures of CSIQ; no quality scores"}, "learnt from this data set, "),
        ({"opinion_aware": True, "opinions_of": "csiq"}, "learnt from this data set, "),
        ({"opinion_aware": True}, "exposure to this data set not known, "),
    ],
)
def test_the_command_asks_the_card_as_the_pipeline_does(rated, monkeypatch, told, said):
    card = replace(methods.card("sharpness"), **told)
    monkeypatch.setattr(methods, "card", lambda name: card)
    done = run.invoke(app, ["evaluate", "sharpness", "csiq", "--resamples", "100", "--out", "out.csv"])
    assert done.exit_code == 0, done.output
    assert ("this is no test" in done.output) == bool(told)
    protocol = pd.read_csv("out.csv").set_index("statistic")["protocol"]
    assert protocol["srcc"].startswith(said)


@pytest.mark.parametrize("column", ["img", "image"])
def test_a_table_has_a_column_of_names_of_any_kind(rated, column):
    table = pd.DataFrame({column: map(Path, rated["image"]), "score": range(COUNT)})
    if column == "img":
        with pytest.raises(ValueError, match="lack the column 'image': they have img, score"):
            benchmark.evaluate(table, "csiq")
    else:
        found = benchmark.evaluate(table, "csiq").set_index("statistic")
        assert found.loc["srcc", "value"] == pytest.approx(-stats.spearmanr(range(COUNT), rated["mos"])[0])


def test_opinions_within_references_give_figures_within_references_alone(rated):
    record = Record("csiq", "CSIQ", "", "", "DMOS", 0, 1, False, "people", within=True)
    with pytest.raises(ValueError, match="no picture has a reference"):
        write_dataset(Path("data/csiq"), record, rated)
    scenes = rated.assign(reference=["a", "b"] * (COUNT // 2))
    write_dataset(Path("data/csiq"), record, scenes)
    scores = scenes.assign(score=scenes["mos"] / 9 + scenes["reference"].eq("b"))
    scores[["image", "score"]].to_csv("scores.csv", index=False)
    found = run.invoke(app, ["evaluate", "scores.csv", "csiq", "--lower"])
    assert found.exit_code == 0, found.output
    assert " srcc_within 1 " in re.sub(" +", " ", found.output)
    assert " srcc " not in found.output


def test_a_method_is_scored_once_and_again_where_it_was_stopped(rated, monkeypatch):
    first = run.invoke(app, ["evaluate", "sharpness", "csiq"])
    assert first.exit_code == 0, first.output
    assert "CSIQ: 24 scores; opinions: DMOS, by people" in first.output
    for statistic in ("srcc", "krcc", "plcc", "rmse"):
        assert f" {statistic} " in first.output
    monkeypatch.setattr(kept_scores.runner.Run, "frame", None)  # nothing is scored again
    assert run.invoke(app, ["evaluate", "sharpness", "csiq"]).output == first.output
    write_png(Path("data/csiq/00.png"), picture("csiq", "z", 0))
    changed = run.invoke(app, ["evaluate", "sharpness", "csiq"])
    assert "is not the file that was prepared" in str(changed.exception)


@pytest.mark.parametrize("option", ["--lower", "--higher"])
def test_the_direction_of_a_method_is_not_for_the_user_to_say(rated, option):
    with pytest.raises(ValueError, match=f"{option} is for a CSV of scores"):
        raise run.invoke(app, ["evaluate", "sharpness", "csiq", option]).exception


def test_a_table_of_errors_alone_is_refused_and_not_kept(rated, monkeypatch):
    method = SimpleNamespace(name="blind", higher_is_better=True)

    def score(images):
        raise ValueError("too dark")

    method.score = score
    monkeypatch.setattr(kept_scores, "provenance", lambda *_: {})
    data = load("csiq")
    with pytest.raises(ValueError, match=r"blind could score none of the 24 pictures of csiq; 00\.png: too"):
        kept_scores.score_once("blind", method, data, batch=2, device="cpu")
    assert not list(Path("results").rglob("csiq.csv*"))


def test_a_file_of_scores_is_evaluated_in_its_direction(rated, tmp_path):
    path = tmp_path / "scores.csv"
    rated.assign(score=rated["mos"])[["image", "score"]].to_csv(path, index=False)
    right = run.invoke(app, ["evaluate", str(path), "csiq", "--lower", "--out", "found.csv"])
    assert right.exit_code == 0, right.output
    found = pd.read_csv("found.csv").set_index("statistic")["value"]
    assert found["srcc"] == 1
    run.invoke(app, ["evaluate", str(path), "csiq", "--higher", "--out", "found.csv"])
    assert pd.read_csv("found.csv").set_index("statistic").loc["srcc", "value"] == -1


def test_what_is_misspelt_is_named_with_what_was_meant(rated):
    for words, says in (
        (("sharpnes", "csiq"), "did you mean 'sharpness'"),
        (("sharpness", "csik"), "did you mean 'csiq'"),
    ):
        assert says in str(run.invoke(app, ["evaluate", *words]).exception)
