"""What the first screen says of a training: what it learnt from, and that it learnt."""

import json

import pandas as pd
import pytest

from benchmark.datasets.prepared.record import Record, write_record
from benchmark.reporting import views
from benchmark.reporting.run import Run
from tests.made import trained as made_of

COLUMNS = ["dataset", "method_a", "method_b", "statistic", "value", "low", "high", "n", "units", "p_holm"]


@pytest.fixture
def trained(tmp_path):
    """A run of a trained network, of that network before its training, and of another one."""
    (tmp_path / "params.yaml").write_text("methods: {q: {}, start: {}, other: {}}\ntrain: {dataset: clean}\n")
    course = {"steps": 1200, "architecture": "small", "pretrained": None, "width": 8}
    loads = {"q": {"weights": "w"}, "start": {**course, "seed": 27}, "other": {**course, "seed": 28}}
    for name, load in loads.items():
        load.pop("steps", None)
        made = {"load": load, "seed": 27, "train": course if name == "q" else None}
        made_of(name, {"title": name.upper()}, **made).write(tmp_path / "models" / name)
    (tmp_path / "models/q/curve.csv").write_text("step,loss\n0,1\n")
    (tmp_path / "models/q/validation.csv").write_text("step,all\n0,0.51\n1199,0.873\n")
    (tmp_path / "results/tables").mkdir(parents=True)
    rows = [
        ("many", "start", "q", "srcc", -0.4, -0.5, -0.3, 480, 60, 0.418),
        ("few", "q", "start", "srcc", -0.01, None, None, 40, 4, None),
        ("many", "q", "other", "srcc", 0.9, 0.8, 1.0, 480, 60, 1e-5),
        ("many", "q", "start", "plcc", 0.7, 0.6, 0.8, 480, 60, 1e-5),
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "results/tables/differences.csv", index=False)
    return tmp_path


def run_of(root):
    folders = [str(root / name) for name in ("results", "data", "models", "params.yaml")]
    return Run(*folders, "")


def test_a_training_is_held_against_the_same_network_before_it(trained):
    assert str(views.learnt(run_of(trained))) == (
        "<p>Q was trained here on clean, 1,200 steps, without any score of quality. Of two levels of one "
        "degradation it rates the milder better in 87% of the cases, on pristine pictures that it did not "
        "learn from; a coin would in 50%. On many training changed its SRCC by +0.400 [0.300, 0.500], "
        "p = 0.418 (paired, Holm; the interval is not adjusted). On few training changed its SRCC by "
        "\u22120.010 (4 references or pictures decide nothing, 10 would be needed).</p>"
    )


def test_a_network_that_another_method_reads_is_not_said_to_be_the_start_of_the_score(trained):
    """The same weights asked by other prompts score otherwise: their difference is not what training did."""
    path = trained / "models/start/method.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"method": "other_prompts"}))
    text = str(views.learnt(run_of(trained)))
    assert "training changed" not in text
    assert (
        "On many its SRCC less that of START, the same network before training but read by other_prompts, is "
        "+0.400 [0.300, 0.500], p = 0.418 (paired, Holm; the interval is not adjusted)."
    ) in text
    assert "Before its training it has" not in text
    rows = [("full", 0.6, 0.5, 0.7), ("untrained", -0.125, -0.25, 0.1)]
    frame = pd.DataFrame(rows, columns=["variant", "value", "low", "high"])
    frame = frame.assign(dataset="many", statistic="srcc", n=480, units=60)
    frame.to_csv(trained / "results/tables/ablation.csv", index=False)
    path = trained / "params.yaml"
    path.write_text(path.read_text() + "ablation: {method: q}\n")
    text = str(views.learnt(run_of(trained)))
    assert (
        "Before its training it has \u22120.125 [\u22120.250, 0.100] there itself (page Ablations). On"
        in text
    )


def test_pictures_that_a_degradation_leaves_as_they_are_are_told_of(trained):
    (trained / "models/q/validation.csv").write_text("step,all,unchanged\n0,0.51,3\n1199,0.873,3\n")
    text = str(views.learnt(run_of(trained)))
    assert "did not learn from (3 that a degradation leaves as they are do not count for it); a coin" in text


def test_a_training_with_scores_is_not_said_to_have_none(trained):
    path = trained / "models/q/method.json"
    told = json.loads(path.read_text())
    told |= {"rated": "many", "train": {**told["train"], "validate_on": 4}}
    path.write_text(json.dumps(told))
    text = str(views.learnt(run_of(trained)))
    assert "1,200 steps, with the scores of many. Of two" in text
    assert "on at most 4 pristine pictures that it did not learn from" in text


def test_it_is_said_where_the_test_is_of_what_was_learnt(trained):
    record = Record("many", "Many (made here)", "", "", "proxy", 0, 1, True, "proxy")
    (trained / "data/many").mkdir(parents=True)
    write_record(record, trained / "data/many/record.json")
    path = trained / "params.yaml"
    path.write_text(path.read_text() + "prepare: {datasets: {many: {}}}\n")
    said = "The pictures of Many (proxy) are degraded by the types that it was trained on"
    assert said not in str(views.learnt(run_of(trained)))
    (trained / "models/q/ladders.png").write_bytes(b"a picture")
    assert said in str(views.learnt(run_of(trained)))


def test_without_that_network_nothing_is_said_of_a_rise(trained):
    (trained / "models/start/method.json").unlink()
    text = str(views.learnt(run_of(trained)))
    assert "87%" in text
    assert "SRCC" not in text


def test_a_method_that_was_not_trained_here_is_not_spoken_of(trained):
    (trained / "models/q/curve.csv").unlink()
    assert str(views.learnt(run_of(trained))) == ""


def test_what_a_published_checkpoint_says_is_shown_where_a_training_compared_it(trained):
    assert str(views.published(run_of(trained))) == ""
    moves = {
        "part": "image",
        "kind": "norm gains",
        "tensors": 50,
        "equal": 3,
        "moved": 3.14e-6,
        "median": 1e-6,
    }
    said = {
        "before": "RN50.pt",
        "after": "q.pth",
        "moves": [{**moves, "largest": 9e-5}],
        "implied": ["a < b", "c"],
    }
    (trained / "models/q/published.json").write_text(json.dumps(said))
    text = str(views.published(run_of(trained)))
    assert "What the published checkpoint says" in text
    assert "Q: from RN50.pt to q.pth, by part of the network." in text
    for cell in ("norm gains", "3.1e-06", "9e-05", "50"):
        assert f">{cell}<" in text
    assert "<p>a &lt; b</p>" in text
