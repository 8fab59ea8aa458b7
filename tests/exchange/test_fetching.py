"""Scores of others in the place of a cell: the very version on the very pictures, or none."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from experiments.stages import score as stage
from tests.exchange.test_records import iqa, made, sent  # noqa: F401 (fixtures)
from tests.loopback import Loopback


@pytest.fixture
def trained(sent, tmp_path):  # noqa: F811
    """The second checkout with the method trained there too, and no scores."""
    shutil.copytree(tmp_path / "first/models", tmp_path / "second/models")
    return tmp_path / "second/results/scores/sharpness/lab.csv"


def never(*_):
    raise AssertionError("scored though the scores were taken")


@pytest.mark.parametrize("by", ["folder", "address"])
def test_what_is_taken_is_not_computed_again(trained, sent, monkeypatch, by):  # noqa: F811
    folder = sent.parent.parent
    files = {f"/at/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("lab.*")}
    with Loopback(files).running() as server:
        done = iqa("fetch", folder if by == "folder" else f"{server.url}/at/")
    assert done.exit_code == 0, done.output
    assert "taken       sharpness on lab: 24 scores" in done.output
    assert trained.read_bytes() == sent.with_suffix(".csv").read_bytes()
    monkeypatch.setattr(stage, "score_into", never)
    stage.score("sharpness")
    assert trained.read_bytes() == sent.with_suffix(".csv").read_bytes()
    assert "here        sharpness on lab" in iqa("fetch", folder).output


def test_another_version_other_pictures_and_none_are_left(trained, sent, tmp_path):  # noqa: F811
    folder = sent.parent.parent
    assert "not offered" in iqa("fetch", tmp_path / "first").output
    manifest = tmp_path / "second/data/lab/manifest.csv"
    kept = manifest.read_text()
    frame = pd.read_csv(manifest)
    frame["mos"] = frame["mos"].to_numpy()[::-1]
    frame.to_csv(manifest, index=False)
    done = iqa("fetch", folder)
    assert done.exit_code == 3
    assert "data set: manifest_sha256" in done.output
    manifest.write_text(kept)
    told = json.loads((tmp_path / "second/models/sharpness/method.json").read_text())
    told["code_sha256"] = "0" * 64
    (tmp_path / "second/models/sharpness/method.json").write_text(json.dumps(told))
    done = iqa("fetch", folder)
    assert "other       sharpness on lab: scores are of version" in done.output
    assert not trained.exists()


def test_scores_that_the_method_does_not_give_are_refused(trained, sent, tmp_path):  # noqa: F811
    """A record whose scores and figures agree with each other, all of them made up."""
    from benchmark import exchange
    from benchmark.datasets.prepared import load
    from benchmark.method import Trained

    scores = pd.read_csv(sent.with_suffix(".csv"))
    scores["score"] = np.random.default_rng(3).permutation(scores["score"])
    text = scores.to_csv(index=False).encode()
    protocol = exchange.read(sent).protocol.model_dump()
    record = exchange.make(
        Trained.read(tmp_path / "first/models/sharpness"), load("lab", "data"), text, protocol
    )
    exchange.write(record, sent)
    sent.with_suffix(".csv").write_bytes(text)
    done = iqa("fetch", sent.parent.parent)
    assert done.exit_code == 3
    assert "fails       sharpness on lab: that the method gave these scores: " in done.output
    assert not trained.exists()
    assert iqa("fetch", tmp_path / "nowhere").exit_code != 0
