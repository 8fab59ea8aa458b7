"""Records that are handed on: made by one checkout, checked and taken in by another."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from scipy import stats

from benchmark import exchange
from benchmark.datasets.prepared import Dataset, load
from benchmark.exchange.making import figures
from benchmark.exchange.record import ProtocolOf, described
from tests.exchange.checkout import COUNT, iqa


@pytest.mark.parametrize("within", [False, True])
def test_figures_within_references_only_where_there_are_no_others(made, within):
    data = load("lab", made / "first/data")
    frame = data.manifest.assign(reference=["a", "b"] * (COUNT // 2))
    if within:
        frame = frame.assign(mos_within=frame["mos"], mos=np.nan)
    lab = Dataset(replace(data.record, within=within), data.root, frame)
    scores = frame[["image"]].assign(score=np.arange(COUNT))
    how = {"resamples": 100, "seed": 0, "interval": "bca", "mapping": "logistic4", "ratings": None}
    method = exchange.read(made / "sent/sharpness/lab.json").method
    found = figures(scores, lab, method, ProtocolOf.model_validate(how))
    names = {row["statistic"] for row in found}
    assert names == {"srcc_within", "krcc_within", "plcc_raw_within"} if within else "srcc" in names
    assert within or not any(name.endswith("_within") for name in names)


def test_what_one_checkout_exports_another_verifies_and_joins(sent, tmp_path):
    done = iqa("verify", sent.parent.parent)
    assert done.exit_code == 0, done.output
    assert "1 of 1 records hold" in done.output
    assert "not checked: needs sharpness of version" in done.output
    done = iqa("add", sent.parent.parent, "--from", "friend")
    assert done.exit_code == 0, done.output
    version = exchange.read(sent).method.version[:12]
    taken = tmp_path / f"second/results/records/received/friend/sharpness/{version}/lab.json"
    assert taken.read_bytes() == sent.read_bytes()
    assert taken.with_suffix(".csv").read_bytes() == sent.with_suffix(".csv").read_bytes()


def test_a_record_holds_what_scipy_finds_and_the_same_bytes_each_time(sent, tmp_path, monkeypatch):
    record = exchange.read(sent)
    scores = pd.read_csv(sent.with_suffix(".csv"))["score"]
    opinions = pd.read_csv("data/lab/manifest.csv")["mos"]
    srcc = next(value for value in record.values if value.statistic == "srcc")
    assert srcc.value == pytest.approx(stats.spearmanr(scores, opinions).statistic)
    assert srcc.low < srcc.value < srcc.high
    assert record.scores.sha256 == hashlib.sha256(sent.with_suffix(".csv").read_bytes()).hexdigest()
    monkeypatch.chdir(tmp_path / "first")
    assert iqa("export", tmp_path / "again").exit_code == 0
    assert (tmp_path / "again/sharpness/lab.json").read_bytes() == sent.read_bytes()


@pytest.mark.parametrize("name", ["NA", "null", "nan"])
def test_a_name_that_pandas_takes_for_nothing_is_a_name(sent, name):
    told, scores = exchange.read(sent), sent.with_suffix(".csv").read_text()
    renamed = scores.replace("images/p00.png", name).encode()
    of = {"sha256": hashlib.sha256(renamed).hexdigest(), "rows": COUNT, "missing": 0}
    record = told.model_copy(update={"scores": told.scores.model_copy(update=of)})
    found = {one.what: one for one in exchange.check(record, renamed, None)}
    assert found["scores"].outcome == "holds"
    found = {one.what: one for one in exchange.check(record, renamed, load("lab", "data"))}
    assert f"1 scores are of no picture of the data set: '{name}'" in found["figures"].why


def test_the_schema_takes_what_is_written(sent):
    schema = Draft202012Validator(json.loads(described()))
    told = json.loads(sent.read_text())
    assert schema.is_valid(told)
    assert not schema.is_valid({**told, "format": 2})
    assert not schema.is_valid({**told, "surprise": 1})


def test_what_a_picture_is_said_to_cost_is_named_as_not_checked(sent):
    assert "cost" not in iqa("verify", sent).output
    told = json.loads(sent.read_text())
    told["cost"] = {"width": 9, "height": 9, "parameters": 1, "multiply_adds": 1}
    sent.write_text(json.dumps(told))
    assert "cost: not checked: counted by the sender" in iqa("verify", sent).output


def test_one_that_is_no_record_does_not_hide_the_others(sent, tmp_path):
    (sent.parent / "aa.json").write_text("{}")
    (sent.parent / "folder.json").mkdir()
    done = iqa("verify", sent.parent.parent)
    assert done.exit_code == 3
    assert "1 of 3 records hold" in done.output
    assert iqa("add", sent.parent.parent, "--from", "friend").exit_code == 3
    assert len(list((tmp_path / "second/results/records").rglob("lab.json"))) == 1


def test_nothing_that_was_sent_steers_the_terminal_or_begins_a_line(sent):
    """A hosted runner takes lines that begin with two colons for commands."""
    told = json.loads(sent.read_text())
    told["sur\n::add-mask::x\x1b[2J"] = 1
    sent.write_text(json.dumps(told))
    folder = sent.parent / "a\n::error::b\x1b[31m"
    folder.mkdir()
    sent.rename(folder / "lab.json")
    done = iqa("verify", folder / "lab.json")
    assert done.exit_code == 3
    assert "\x1b" not in done.output
    assert not [line for line in done.output.splitlines() if line.startswith("::")]


@pytest.mark.parametrize(
    "text", ["image,score\n" + "\n" * 1000, ",".join(["image,score", *"abcdefghijk" * 10]) + "\n"]
)
def test_a_table_that_would_grow_in_memory_is_not_read(sent, text):
    sent.with_suffix(".csv").write_text(text)
    told = json.loads(sent.read_text())
    told["scores"]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    sent.write_text(json.dumps(told))
    done = iqa("verify", sent)
    assert done.exit_code == 3
    assert "scores: fails: more lines or columns" in done.output


def test_hardware_and_time_stand_apart_from_the_record(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "first")
    (tmp_path / "first/.dvc/tmp").mkdir(parents=True)
    (tmp_path / "first/.dvc/tmp/stage_times.json").write_text('{"score@sharpness": 12.34}')
    assert iqa("export", tmp_path / "again").exit_code == 0
    assert (tmp_path / "again/sharpness/lab.json").read_bytes() == sent.read_bytes()
    told = json.loads((tmp_path / "again/sharpness/lab.machine.json").read_text())
    assert told["seconds"] == 12.3
    assert set(told) == {"made", "system", "processor", "cores", "device", "seconds"}
    assert json.loads(sent.with_suffix(".machine.json").read_text())["seconds"] is None


def test_without_the_data_set_it_is_said_what_would_bring_it(sent, tmp_path):
    shutil.rmtree(tmp_path / "second/data")
    done = iqa("verify", sent)
    assert done.exit_code == 0
    assert "data set: not checked: lab is not prepared here: `dvc repro prepare@lab`" in done.output
    assert "figures: not checked" in done.output


@pytest.mark.parametrize("sender", ["../x", "", "a b", "/tmp"])
def test_a_sender_is_a_plain_name(sent, sender):
    assert iqa("add", sent, "--from", sender).exit_code != 0
