"""Records beside methods and data sets that have changed, are gone, or are asked anew."""

import hashlib
import json
import re
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark import exchange
from benchmark.datasets.prepared import load
from benchmark.exchange.making import figures
from benchmark.images import write_png
from benchmark.tables import read_results
from experiments.runs import trained
from tests.exchange.checkout import COUNT, change_after_preparing, iqa, scored


def test_where_the_method_is_here_it_is_asked(sent, tmp_path, monkeypatch):
    shutil.copytree(tmp_path / "first/models", tmp_path / "second/models")
    done = iqa("verify", sent, "--rescore", "5")
    assert done.exit_code == 0
    assert "not checked" not in done.output  # no cost is stated
    # Scores that the method never gave, with figures that are true of them.
    table = pd.read_csv(sent.with_suffix(".csv"))
    table["score"] = np.arange(COUNT) * 1.0
    monkeypatch.chdir(tmp_path / "first")
    scored(table)
    assert iqa("export", tmp_path / "lied").exit_code == 0
    monkeypatch.chdir(tmp_path / "second")
    done = iqa("verify", tmp_path / "lied", "--rescore", "5")
    assert done.exit_code == 3
    assert "5 of 5 pictures score otherwise here" in done.output


def test_a_method_whose_code_has_changed_is_not_the_one_that_is_asked(sent, tmp_path, monkeypatch):
    shutil.copytree(tmp_path / "first/models", tmp_path / "second/models")
    monkeypatch.setattr(trained, "code_files", lambda name: [sent])
    done = iqa("verify", sent, "--rescore", "5")
    assert done.exit_code == 0
    assert f"{exchange.GIVEN}: not checked: no method of version" in done.output


def test_a_card_that_is_not_that_of_the_method_is_found_by_asking_it(sent, tmp_path):
    shutil.copytree(tmp_path / "first/models", tmp_path / "second/models")
    told = json.loads(sent.read_text())
    told["method"]["card"] |= {"opinion_aware": True, "opinions_of": "koniq10k"}
    sent.write_text(json.dumps(told))
    done = iqa("verify", sent)
    assert done.exit_code == 0
    assert "card: not checked: what it learnt from and its licence are the sender's word" in done.output
    done = iqa("verify", sent, "--rescore", "5")
    assert done.exit_code == 3
    assert "card: fails: other than that of this version here: opinion_aware, opinions_of" in done.output


@pytest.mark.parametrize("words", ["verify", "add", "export", "fetch"])
def test_a_set_that_has_changed_since_it_was_prepared_settles_nothing(sent, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path / "first")
    shutil.rmtree("results/scores/sharpness") if words == "fetch" else None
    says = change_after_preparing(tmp_path / "first")
    more = {
        "verify": [sent],
        "add": [sent, "--from", "friend"],
        "export": ["out"],
        "fetch": [sent.parent.parent],
    }
    done = iqa(words, *more[words])
    if words == "export":
        assert re.search(says, str(done.exception))
        assert not Path("out").exists()
    else:
        assert re.search(
            f"{'other .*' if words == 'fetch' else 'data set: not checked: '}{says}", done.output
        )
        assert "taken       " not in done.output


@pytest.mark.parametrize("changed", ["method", "picture", "scores", "origin"])
def test_scores_of_another_state_than_the_record_would_say_are_not_exported(
    sent, tmp_path, monkeypatch, changed
):
    monkeypatch.chdir(tmp_path / "first")
    if changed == "method":
        path = Path("models/sharpness/method.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"code_sha256": "0" * 64}))
    elif changed == "picture":
        write_png(Path("data/lab/images/p05.png"), torch.rand(3, 40, 40))
    elif changed == "scores":
        path = Path("results/scores/sharpness/lab.csv")
        path.write_text(path.read_text().replace("p05", "p99").replace("p06", "p05").replace("p99", "p06"))
    else:
        Path("results/scores/sharpness/cells.json").unlink()
    done = iqa("export", "out")
    assert "run `dvc repro score@sharpness`" in str(done.exception)
    assert not Path("out").exists()
    if changed != "scores":  # the cure
        scored()
        assert iqa("export", "out").exit_code == 0


def test_two_records_of_one_place_do_not_take_each_other_s(sent, tmp_path):
    twin = tmp_path / "sent/again/lab.json"
    shutil.copytree(sent.parent, twin.parent)
    shutil.rmtree(tmp_path / "second/data")  # nothing here tells which of them is altered
    told = json.loads(sent.read_text())
    told["values"][0]["value"] = 0.9
    twin.write_text(json.dumps(told))
    done = iqa("add", tmp_path / "sent", "--from", "friend")
    assert done.exit_code == 3
    assert "1 of 2 records were not taken in" in done.output
    assert "sharpness/lab.json: of the same version on the same data set as" in done.output
    taken = next((tmp_path / "second/results/records/received").rglob("lab.json"))
    assert json.loads(taken.read_text()) == told  # the first by name
    done = iqa("add", sent, "--from", "friend")
    assert done.exit_code == 0
    assert "taken in, in the place of another one" in done.output
    assert "in the place of" not in iqa("add", sent, "--from", "friend").output


@pytest.mark.parametrize("how", ["empty", "left out"])
def test_a_picture_whose_score_is_kept_back_is_found_by_asking_the_method(sent, tmp_path, monkeypatch, how):
    monkeypatch.chdir(tmp_path / "first")
    table = pd.read_csv(sent.with_suffix(".csv"))
    table.loc[5, "score"] = np.nan
    table = table.drop(index=5) if how == "left out" else table
    table.to_csv(sent.with_suffix(".csv"), index=False)
    told = json.loads(sent.read_text())
    content = sent.with_suffix(".csv").read_bytes()
    rows = {"rows": len(table), "missing": int(table["score"].isna().sum())}
    told["scores"] = {"sha256": hashlib.sha256(content).hexdigest(), **rows}
    protocol = exchange.read(sent).protocol
    told["values"] = figures(
        read_results(BytesIO(content)), load("lab"), exchange.read(sent).method, protocol
    )
    sent.write_text(json.dumps(told))
    assert iqa("verify", sent).exit_code == 0
    done = iqa("verify", sent, "--rescore", 1)
    assert done.exit_code == 3
    assert "1 of 1 pictures without a score have one here: images/p05.png" in done.output


def test_pictures_that_are_gone_here_are_not_the_sender_s_fault(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "first")
    shutil.rmtree("data/lab/images")
    done = iqa("verify", sent, "--rescore", 3)
    assert done.exit_code == 0, done.output
    assert re.search(
        "that the method gave these scores: not checked: data/lab/images/.*: is not there", done.output
    )
