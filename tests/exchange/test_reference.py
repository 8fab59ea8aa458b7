"""What was measured with people's opinions, in the repository: it holds, and a run is compared with it."""

import json
import re
import shutil
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup
from scipy import stats

import methods
from benchmark import exchange
from benchmark.datasets import catalogue
from benchmark.datasets.prepared import Dataset
from benchmark.datasets.prepared.record import Record
from benchmark.exchange.making import figures
from benchmark.images import read
from benchmark.method import Trained
from benchmark.reporting.compared import changes
from benchmark.reporting.run import Run
from benchmark.tables import read_results
from experiments.pages.comparison import REFERENCE, fetch, write
from experiments.runs.signatures import write_tidy

REPOSITORY = Path(__file__).parents[2]
RECORDS = list(exchange.records(REPOSITORY / REFERENCE))
AGIQA3K = REPOSITORY.parent / "shared/data/agiqa3k"
#: Arguments that load a method of the reference elsewhere than in the run that made it.
AS_PUBLISHED = {"sharpness": {}, "qualiclip_small": {}}


def test_the_reference_is_whole():
    assert {record.dataset.rated_by for _, record in RECORDS} == {"people"}
    for path, record in RECORDS:
        assert path.parent.name == record.method.name
        found = {one.what: one for one in exchange.check(record, exchange.beside(path), None)}
        assert found["method"].outcome == found["scores"].outcome == "holds", found
        assert record.scores.missing == 0


@pytest.mark.parametrize(("path", "record"), RECORDS, ids=lambda given: getattr(given, "stem", ""))
def test_the_reference_states_what_this_version_would(path, record):
    """Of the same scores and other opinions, so with other values: a record of other rows fails its check."""
    scores = read_results(path.with_suffix(".csv"))
    names, sign = scores["image"], np.sign(value_of(record, "srcc"))
    rng = np.random.default_rng(0)
    mos = 2.5 + 0.5 * (1 if record.method.higher_is_better else -1) * sign * stats.zscore(scores["score"])
    manifest = pd.DataFrame({"image": names, "mos": (mos + rng.normal(0, 0.3, len(names))).clip(0, 5)})
    manifest = manifest.assign(mos_std=0.5, reference=np.nan, distortion=np.nan, level=np.nan, split=np.nan)
    entry = catalogue.entry("agiqa3k")
    about = Record("agiqa3k", entry.title, "", "", entry.score.name, 0, 5, True, "people", ratings=21)
    quick = record.protocol.model_copy(update={"resamples": 100})
    anew = figures(scores, Dataset(about, Path(), manifest), record.method, quick)
    told = [(one["statistic"], one["low"] is not None, one["n"]) for one in anew]
    assert told == [(one.statistic, one.low is not None, one.n) for one in record.values]
    words = [
        [re.sub(r"[\d.]+", "#", text) for text in texts]
        for texts in ([one["protocol"] for one in anew], [one.protocol for one in record.values])
    ]
    assert words[0] == words[1]


def value_of(record, statistic):
    return next(one.value for one in record.values if one.statistic == statistic)


@pytest.mark.shared
@pytest.mark.skipif(not AGIQA3K.is_dir(), reason="needs the human-rated pictures beside the checkout")
@pytest.mark.parametrize(("path", "record"), RECORDS, ids=lambda given: getattr(given, "stem", ""))
def test_figures_are_what_the_scores_give_and_scores_what_the_method_gives(path, record, tmp_path):
    """On AGIQA-3K, whose table beside the checkout has the opinions of the release and a column more."""
    table = pd.read_csv(AGIQA3K / "data.csv")
    frame = pd.DataFrame(
        {
            "image": "images/" + table["name"],
            "mos": table["mos_quality"],
            "mos_std": table["std_quality"],
        }
    )
    scores = pd.read_csv(path.with_suffix(".csv"))
    assert scores["image"].tolist() == frame["image"].tolist()
    sign = 1 if record.method.higher_is_better else -1
    srcc = value_of(record, "srcc")
    ranks = [column.rank().to_numpy() for column in (sign * scores["score"], frame["mos"])]
    assert np.corrcoef(*ranks)[0, 1] == pytest.approx(srcc, abs=1e-9)
    if record.method.name in AS_PUBLISHED:
        method = methods.load(record.method.module, **AS_PUBLISHED[record.method.name])
        for row in scores.iloc[::700].itertuples():
            anew = float(method.score(read(AGIQA3K / row.image)[None]))
            assert anew == pytest.approx(row.score, abs=1e-3 * scores["score"].std())


def test_a_run_is_compared_with_records_of_the_same_method_and_no_other(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "first")
    table = pd.read_csv(fetch(str(sent.parent.parent), tmp_path / "into") / "results/tables/zero_shot.csv")
    told = next(value for value in exchange.read(sent).values if value.statistic == "srcc")
    row = table[table["statistic"].eq("srcc")].iloc[0]
    assert (row["method"], row["dataset"]) == ("sharpness", "lab")
    assert row["value"] == pytest.approx(told.value, rel=1e-8)  # nine digits, as the stage writes them
    other = json.loads(sent.read_text())
    other["method"]["load"] = {"scale": 2}
    sent.write_text(json.dumps(other))
    with pytest.raises(ValueError, match="records are of sharpness; none has these settings here"):
        fetch(str(sent.parent.parent), tmp_path / "again")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no results/tables, run `dvc repro` in it; nor any record"):
        fetch(str(tmp_path / "empty"), tmp_path / "again")


def test_what_records_state_otherwise_than_the_run_is_shown(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "first")
    Path("notebooks").symlink_to(REPOSITORY / "notebooks")
    page = write("sent", fetch(str(sent.parent.parent), tmp_path / "same"), tmp_path / "reports")
    assert "All that the records state of methods, protocol and packages is the same" in page.read_text()

    def change(told):
        told["packages"]["torch"] = "2.0.1"
        told["method"]["seed"] = 41

    altered(sent, change)
    page = write("sent", fetch(str(sent.parent.parent), tmp_path / "other"), tmp_path / "reports")
    table = BeautifulSoup(page.read_text(), "html.parser").find("table")
    rows = [[cell.text for cell in row.find_all(["th", "td"])] for row in table.tbody.find_all("tr")]
    assert rows == [
        ["sharpness on lab.method.seed", "41", "27"],
        ["sharpness on lab.packages.torch", "2.0.1", metadata.version("torch")],
    ]


def test_figures_of_another_release_are_not_put_beside_ours(sent, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path / "first")
    manifest = tmp_path / "first/data/lab/manifest.csv"
    rows = pd.read_csv(manifest)
    rows["mos"] = rows["mos"].to_numpy()[::-1]  # other opinions of the same pictures
    rows.to_csv(manifest, index=False)
    with pytest.raises(ValueError, match="no record that holds is of a data set as it is"):
        fetch(str(sent.parent.parent), tmp_path / "into")
    assert "left out: sharpness on lab: manifest_sha256: opinions" in capsys.readouterr().err
    told = json.loads(sent.read_text())
    told["dataset"]["name"] = "elsewhere"  # of which nothing is prepared here
    sent.with_name("elsewhere.json").write_text(json.dumps(told))
    table = pd.read_csv(fetch(str(sent.parent.parent), tmp_path / "into") / "results/tables/zero_shot.csv")
    assert set(table["dataset"]) == {"elsewhere"}


def altered(sent, change):
    told = json.loads(sent.read_text())
    change(told)
    sent.write_text(json.dumps(told))


def test_a_record_that_fails_is_not_put_beside_ours(sent, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path / "first")
    altered(sent, lambda told: told["values"][0].update(value=0.9))
    with pytest.raises(ValueError, match="no record that holds"):
        fetch(str(sent.parent.parent), tmp_path / "into")
    assert "left out: sharpness on lab: figures: srcc: value is" in capsys.readouterr().err


def test_two_records_of_one_cell_are_named(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "first")
    shutil.copytree(sent.parent, tmp_path / "sent/again")
    with pytest.raises(ValueError, match="2 records are of sharpness on lab; name a folder"):
        fetch(str(tmp_path / "sent"), tmp_path / "into")


def test_figures_after_another_curve_are_not_put_beside_ours(sent, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path / "first")
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["evaluate"]["mapping"] = "logistic5"
    Path("params.yaml").write_text(yaml.safe_dump(params))
    table = pd.read_csv(fetch(str(sent.parent.parent), tmp_path / "into") / "results/tables/zero_shot.csv")
    told = {value.statistic for value in exchange.read(sent).values}
    assert told - set(table["statistic"]) == {"plcc", "rmse"}
    assert "left out: plcc, rmse of sharpness on lab: after logistic4" in capsys.readouterr().err


def test_the_same_figures_are_the_same_and_those_of_an_older_state_are_refused(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "first")
    rows = [value.model_dump() for value in exchange.read(sent).values]
    frame = pd.DataFrame(rows).assign(method="sharpness", dataset="lab")
    table, model = Path("results/tables/zero_shot.csv"), Path("models/sharpness")
    write_tidy([frame], ("method", "dataset"), table, methods={"sharpness": Trained.read(model)})
    there = fetch(str(sent.parent.parent), tmp_path / "into")
    found = changes(*(Run(str(top / "results")).source(str(table)) for top in (Path(), there)))
    assert set(found["state"]) == {"same"}
    told = json.loads((model / "method.json").read_text())
    (model / "method.json").write_text(json.dumps(told | {"code_sha256": "0" * 64}))  # trained anew
    with pytest.raises(ValueError, match=r"of another version of the method.*run `dvc repro evaluate`"):
        fetch(str(sent.parent.parent), tmp_path / "again")
