"""Scores of others in the place of a cell: the very version on the very pictures, or none."""

import json
import shutil
import subprocess
import warnings
from contextlib import chdir

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo

from experiments.stages import score as stage
from tests.exchange.checkout import iqa
from tests.loopback import Loopback


@pytest.fixture
def trained(sent, tmp_path):
    """The second checkout with the method trained there too, and no scores."""
    shutil.copytree(tmp_path / "first/models", tmp_path / "second/models")
    return tmp_path / "second/results/scores/sharpness/lab.csv"


def never(*_):
    raise AssertionError("scored though the scores were taken")


@pytest.mark.parametrize("by", ["folder", "address"])
def test_what_is_taken_is_not_computed_again(trained, sent, monkeypatch, by):
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


@pytest.fixture(scope="module")
def keeping(made, tmp_path_factory):
    """A repository whose records DVC keeps: they lie in a remote of it, `storage`, and nowhere else."""
    folder = tmp_path_factory.mktemp("keeping")
    top = folder / "theirs"
    shutil.copytree(made / "sent", top / "ours")
    with chdir(top), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DVC's own
        subprocess.run(["git", "init", "-q"], check=True)
        with Repo.init() as repo, repo.config.edit() as config:
            config["remote"]["shared"] = {"url": str(folder / "storage")}
            config["remote"]["empty"] = {"url": str(folder / "nothing")}
            config["core"]["remote"] = "shared"
        with Repo() as repo:
            repo.add("ours")
            repo.push(remote="shared")
        subprocess.run(["git", "add", "ours.dvc", ".gitignore", ".dvc"], check=True)
        who = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        subprocess.run(["git", *who, "commit", "-qm", "records"], check=True)
    shutil.rmtree(top / "ours")
    shutil.rmtree(top / ".dvc/cache")
    return folder


@pytest.fixture
def kept(keeping, tmp_path):
    """A copy of that repository; the storage is one for all."""
    return shutil.copytree(keeping / "theirs", tmp_path / "theirs")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC's own
@pytest.mark.parametrize("by", ["repository", "remote", "address", "clone"])
def test_a_remote_of_dvc_is_a_source_too(trained, sent, kept, tmp_path, by):
    if by == "clone":
        for name in (".git", ".dvc"):
            shutil.copytree(kept / name, tmp_path / "second" / name)
        shutil.copy(kept / "ours.dvc", tmp_path / "second")
    words = {
        "clone": ["ours", "--remote", "shared"],
        "repository": ["ours", "--repo", kept],
        "remote": ["ours", "--repo", kept, "--remote", "shared", "--rev", "HEAD"],
        "address": ["ours", "--repo", f"file://{kept}"],
    }
    done = iqa("fetch", *words[by])
    assert done.exit_code == 0, done.output
    assert "taken       sharpness on lab: 24 scores" in done.output
    assert trained.read_bytes() == sent.with_suffix(".csv").read_bytes()
    assert not (kept / "ours").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_remote_without_the_records_gives_none_and_an_unknown_one_is_named(trained, kept):
    done = iqa("fetch", "ours", "--repo", kept, "--remote", "empty")
    assert done.exit_code == 0
    assert "not offered sharpness on lab" in done.output
    for words, says in (
        (["--repo", kept, "--remote", "shard"], "--remote shard: its DVC configuration has shared, empty"),
        (["--repo", kept / "nowhere"], "--repo .*nowhere"),
        (["--repo", kept, "--rev", "v9"], "--repo .*v9"),
    ):
        with pytest.raises(ValueError, match=says):
            raise iqa("fetch", "ours", *words).exception
    assert not trained.exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_was_altered_in_a_remote_is_refused(trained, kept, keeping):
    """DVC names files by their digests, and reads what lies there: the record and the scores decide."""
    files = {path: path.read_bytes() for path in (keeping / "storage").rglob("*") if path.is_file()}
    ((path, right),) = ((path, text) for path, text in files.items() if text.startswith(b"image,score"))
    path.chmod(0o644)
    path.write_bytes(right.replace(b"p03.png,", b"p03.png,1"))
    done = iqa("fetch", "ours", "--repo", kept)
    path.write_bytes(right)
    assert done.exit_code == 3
    assert "fails       sharpness on lab: scores: SHA-256" in done.output
    assert not trained.exists()


def test_another_version_other_pictures_and_none_are_left(trained, sent, tmp_path):
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


def test_scores_that_the_method_does_not_give_are_refused(trained, sent, tmp_path):
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
