"""Records that are handed on: made by one checkout, checked and taken in by another, and tampered with."""

import hashlib
import json
import re
import shutil
from contextlib import chdir
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from jsonschema import Draft202012Validator
from scipy import stats
from typer.testing import CliRunner

import methods
from benchmark import exchange
from benchmark.datasets import making
from benchmark.datasets.prepared import Dataset, load
from benchmark.datasets.prepared import Record as DataRecord
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.exchange.making import figures
from benchmark.exchange.record import ProtocolOf, described
from benchmark.images import write_png
from benchmark.scoring import score_files
from benchmark.tables import read_results
from experiments import settings as settings_of
from experiments.cli import app
from experiments.runs import stage, trained
from experiments.runs.cells import Cells
from experiments.runs.training import train_into
from experiments.scoring.dataset import Model, made_from
from experiments.settings import MethodSettings
from tests.composed import composed

COUNT = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout with one rated data set and sharpness, `first`, and what it exported, `sent`."""
    top = tmp_path_factory.mktemp("made")
    with chdir(a_checkout(top / "first")):
        assert iqa("export", top / "sent").exit_code == 0
    return top


def a_checkout(folder):
    folder.mkdir()
    draw = np.random.default_rng(0)
    names = [f"images/p{index:02d}.png" for index in range(COUNT)]
    for index, name in enumerate(names):
        (folder / "data/lab/images").mkdir(parents=True, exist_ok=True)
        noise = torch.from_numpy(draw.random((3, 32, 32), dtype=np.float32)) * (index + 1) / COUNT
        write_png(folder / "data/lab" / name, noise)
    record = DataRecord("lab", "Lab", "", "CC0", "MOS", 0.0, 100.0, True, "people")
    frame = pd.DataFrame({"image": names, "mos": np.arange(COUNT) * 4 + draw.normal(0, 9, COUNT).clip(-9, 8)})
    frame["mos"] = frame["mos"].clip(0, 100).round(3)
    write_dataset(folder / "data/lab", record, frame)
    params = yaml.safe_load(composed())
    params["methods"] = {"sharpness": {"code": "methods/sharpness.py"}}
    params["prepare"] = {"datasets": {"lab": {}}}
    params["train"] |= {"dataset": "lab", "rated": "lab"}
    for study in ("sweep", "robustness", "gradcam"):
        params[study] |= {"dataset": "lab"}
    params["robustness"] |= {"manifold": "lab"}
    params["gradcam"] |= {"methods": [], "shuffled": []}
    params["ablation"] |= {"method": "sharpness", "variants": [], "seeds": [], "datasets": ["lab"]}
    params["evaluate"] |= {"resamples": 100}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    train_into(folder / "models/sharpness", "sharpness", MethodSettings(code="methods/sharpness.py"), [], 27)
    with chdir(folder):
        scored()
    return folder


def scored(found=None):
    """Score the data set of the working folder as the stage does, and take down of what."""
    data, settings = load("lab"), settings_of.load()
    if found is None:
        found = score_files(list(data.manifest["image"]), methods.load("sharpness"), root=data.root)
    text = found.to_csv(index=False, float_format="%.9g").encode()
    about = made_from(Model(stage.MODELS / "sharpness"), data, settings, engine=settings.score.engine)
    Cells(stage.RESULTS / "scores/sharpness").put("lab.csv", about, text)


def iqa(*words):
    return CliRunner().invoke(app, [str(word) for word in ("records", *words)])


@pytest.fixture
def sent(made, tmp_path, monkeypatch):
    """What a first checkout exported, while the working folder is a second one with the same data set."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    shutil.copytree(tmp_path / "first/data", tmp_path / "second/data")
    shutil.copy(tmp_path / "first/params.yaml", tmp_path / "second")
    monkeypatch.chdir(tmp_path / "second")
    return tmp_path / "sent/sharpness/lab.json"


@pytest.mark.parametrize("within", [False, True])
def test_figures_within_references_only_where_there_are_no_others(made, within):
    data = load("lab", made / "first/data")
    frame = data.manifest.assign(reference=["a", "b"] * (COUNT // 2))
    if within:
        frame = frame.assign(mos_within=frame["mos"], mos=np.nan)
    lab = Dataset(replace(data.record, within=within), data.root, frame)
    scores = frame[["image"]].assign(score=np.arange(COUNT))
    how = {"resamples": 100, "seed": 0, "interval": "bca", "mapping": "logistic4", "ratings": None}
    found = figures(scores, lab, True, ProtocolOf.model_validate(how))
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


def digit(path, told):
    """Another digit in one score."""
    lines = path.with_suffix(".csv").read_text().splitlines()
    image, score, error = lines[3].split(",")
    at = score.index(".") + 3
    score = score[:at] + str((int(score[at]) + 5) % 10) + score[at + 1 :]
    lines[3] = f"{image},{score},{error}"
    path.with_suffix(".csv").write_text("\n".join([*lines, ""]))


def digit_and_digest(path, told):
    digit(path, told)
    told["scores"]["sha256"] = hashlib.sha256(path.with_suffix(".csv").read_bytes()).hexdigest()


def left_out(path, told):
    """The worst picture left out, and all that counts rows made to fit."""
    table = pd.read_csv(path.with_suffix(".csv")).drop(index=5)
    table.to_csv(path.with_suffix(".csv"), index=False)
    told["scores"] |= {
        "sha256": hashlib.sha256(path.with_suffix(".csv").read_bytes()).hexdigest(),
        "rows": COUNT - 1,
    }


def twice(path, told):
    table = pd.read_csv(path.with_suffix(".csv"))
    pd.concat([table, table[:1]]).to_csv(path.with_suffix(".csv"), index=False)
    digest = hashlib.sha256(path.with_suffix(".csv").read_bytes()).hexdigest()
    told["scores"] |= {"sha256": digest, "rows": COUNT + 1}


def of(*keys, value):
    def change(path, told):
        place = told
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value(place[keys[-1]]) if callable(value) else value

    return change


TAMPERED = {
    "a digit of a score": (digit, "scores: fails: SHA-256"),
    "a digit and the digest": (digit_and_digest, "figures: fails: .*the record has"),
    "a picture left out": (left_out, "figures: fails"),
    "a picture twice": (twice, "scores: fails: 'images/p00.png' stands twice"),
    "a figure": (of("values", 0, "value", value=lambda v: v + 1e-4), "srcc: value is .*the record has"),
    "an interval": (of("values", 0, "low", value=lambda v: v + 1e-3), "srcc: low is .*the record has"),
    "a number of pictures": (of("values", 0, "n", value=100), "srcc: n is 24, the record has 100"),
    "a figure taken out": (lambda path, told: told["values"].pop(0), "srcc is left out"),
    "a figure made up": (
        lambda path, told: told["values"].append({**told["values"][0], "statistic": "beauty"}),
        "beauty is not what this data set gives",
    ),
    "another seed": (of("protocol", "seed", value=5), "figures: fails"),
    "an interval of no kind": (
        of("protocol", "interval", value="none"),
        "figures: fails: cannot be worked out",
    ),
    "a mapping of no kind": (of("protocol", "mapping", value="none"), "figures: fails: .*mapping='none'"),
    "weights": (of("method", "weights_sha256", value="0" * 64), "method: fails: its version is not that"),
    "settings": (of("method", "load", value={"sigma": 3}), "method: fails: its version is not that"),
    "direction": (of("method", "higher_is_better", value=False), "method: fails: its direction"),
    "opinions": (of("dataset", "manifest_sha256", value="0" * 64), "data set: fails: manifest_sha256"),
    "raters": (of("dataset", "rated_by", value="proxy"), "data set: fails: rated_by"),
    "pictures": (of("dataset", "pictures_sha256", value="0" * 64), "pictures: fails: files of pictures"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_altered_is_named_and_stays_out(sent, tmp_path, name):
    change, says = TAMPERED[name]
    told = json.loads(sent.read_text())
    change(sent, told)
    sent.write_text(json.dumps(told))
    done = iqa("add", sent, "--from", "friend")  # which verifies first
    assert done.exit_code == 3
    assert re.search(says, done.output), done.output
    assert not (tmp_path / "second/results/records").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path, told: told.update(surprise=1), "surprise"),
        (of("format", value=2), "format"),
        (of("protocol", "seed", value=-1), r"protocol\.seed"),
        (of("protocol", "resamples", value=10**6), r"protocol\.resamples"),
        (of("scores", "rows", value=10**9), r"scores\.rows"),
        (of("method", "name", value="../../models/qualiclip"), r"method\.name"),
        (of("dataset", "name", value="/etc"), r"dataset\.name"),
        (of("values", 0, "value", value=float("nan")), r"values\.0\.value"),
        (of("method", "card", "title", value="x" * 501), r"method\.card\.title"),
        (of("values", value=lambda rows: rows * 200), "values"),
    ],
)
def test_what_is_not_of_the_form_is_refused_before_anything_is_looked_at(sent, change, says):
    told = json.loads(sent.read_text())
    change(sent, told)
    sent.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=says):
        exchange.read(sent)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "\xff", '{"format": 1', " " * 2_000_001])
def test_what_is_no_record_at_all_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.json"):
        exchange.read(tmp_path / "x.json")


def test_a_link_in_the_place_of_scores_is_not_followed(sent, tmp_path):
    secret = tmp_path / "secret.csv"
    sent.with_suffix(".csv").rename(secret)
    sent.with_suffix(".csv").symlink_to(secret)
    done = iqa("add", sent, "--from", "friend")
    assert "scores: not checked" in done.output
    assert not list((tmp_path / "second/results/records").rglob("*.csv"))


def test_a_link_in_the_place_of_records_is_not_followed(sent, tmp_path):
    (tmp_path / "link").symlink_to(sent.parent.parent)
    assert "is a link" in str(iqa("verify", tmp_path / "link").exception)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/inside").symlink_to(sent.parent)
    (tmp_path / "theirs/file.json").symlink_to(sent)
    assert "holds no record" in str(iqa("verify", tmp_path / "theirs").exception)


def test_without_the_data_set_it_is_said_what_would_bring_it(sent, tmp_path):
    shutil.rmtree(tmp_path / "second/data")
    done = iqa("verify", sent)
    assert done.exit_code == 0
    assert "data set: not checked: lab is not prepared here: `dvc repro prepare@lab`" in done.output
    assert "figures: not checked" in done.output


@pytest.mark.parametrize("sender", ["../x", "", "a b", "/tmp"])
def test_a_sender_is_a_plain_name(sent, sender):
    assert iqa("add", sent, "--from", sender).exit_code != 0


def change_after_preparing(folder):
    """Note with which settings the data set was prepared, then change them; return what is to be said."""
    with chdir(folder):
        assert making.is_current("lab")  # notes it, as after `dvc pull`
        params = yaml.safe_load(Path("params.yaml").read_text())
        params["prepare"]["datasets"]["lab"] = {"short_side": 30}
        Path("params.yaml").write_text(yaml.safe_dump(params))
    return "data/lab: the release, .* of data set 'lab' have changed since it was prepared"


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
    told["values"] = figures(read_results(BytesIO(content)), load("lab"), True, protocol)
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
