"""Stage `train` and its variants: what is written down of a method, and what it may learn from."""

import hashlib
import json

import pytest
import yaml

from benchmark.method import version
from experiments.runs import results, trained, training
from experiments.stages import ablate, train
from tests.stages.planted import ROOT, change


def written(root, name):
    return json.loads((root / "models" / name / "method.json").read_text())


def test_code_is_hashed_into_the_version_of_a_method(planted, monkeypatch):
    """SHA-256 over the name and the SHA-256 of each file, in the order of their paths."""
    files = [planted / "b.py", planted / "a.py"]
    for path in files:
        path.write_text(path.name)
    monkeypatch.setattr(trained, "code_files", lambda name: files if name == "sharpness" else [])
    train.train("noisy")
    digest = hashlib.sha256()
    for name in ("a.py", "b.py"):
        digest.update(name.encode() + b"\0" + hashlib.sha256(name.encode()).digest())
    before = written(planted, "noisy")
    assert before["code_sha256"] == digest.hexdigest()
    train.train("noisy")
    assert written(planted, "noisy") == before
    files[0].write_text("another line")
    train.train("noisy")
    after = written(planted, "noisy")
    assert {key for key in after if after[key] != before[key]} == {"code_sha256"}
    code = [one["code_sha256"] for one in (before, after)]
    assert len({version(one, "", {}) for one in code}) == 2


def test_the_code_of_a_method_is_its_own_files_and_the_shared_ones():
    names = [str(path.relative_to(ROOT)) for path in trained.code_files("qualiclip")]
    assert {
        "methods/qualiclip/__init__.py",
        "methods/qualiclip/losses.py",
        "methods/_shared/training/loop.py",
    } <= set(names)
    assert "methods/_shared/clip/encoder.py" in names
    assert "methods/niqe.py" not in names
    alone = [str(path.relative_to(ROOT)) for path in trained.code_files("niqe")]
    assert "methods/niqe.py" in alone
    assert not [name for name in alone if name.startswith("methods/qualiclip")]


def test_a_method_that_learns_nothing_is_written_down_too(planted):
    train.train("noisy")
    about = written(planted, "noisy")
    assert (about["name"], about["method"], about["weights_sha256"], about["rated"]) == (
        "noisy", "sharpness", "", ""
    )  # fmt: skip
    assert (about["seed"], about["higher_is_better"], about["card"]["title"]) == (27, True, "Sharpness")
    assert trained.load_trained("noisy").name == "noisy"
    with pytest.raises(ValueError, match=r"'noissy' is not declared in params\.yaml; did you mean 'noisy'"):
        train.train("noissy")


def test_weights_are_those_beside_the_card_and_opinions_are_said(planted, monkeypatch):
    asked = {}

    def learn(module, pictures, out, **given):
        asked.update(given, pictures=[path.name for path in pictures])
        (out / "weights.bin").write_bytes(b"learnt")
        return {}

    monkeypatch.setattr(train.methods, "train", learn)
    monkeypatch.setattr(train.methods, "learns_from_scores", lambda module: True)
    train.train("noisy")
    assert asked["pictures"] == ["own.png", "taken.png"]
    assert [path.name for path in asked["held_out"]] == ["held.png"]
    assert (asked["seed"], asked["settings"], asked["rated"].record.name) == (27, {}, "koniq10k")
    about = written(planted, "noisy")
    plain = hashlib.sha256(b"weights.bin\0" + hashlib.sha256(b"learnt").digest()).hexdigest()
    assert (about["weights_sha256"], about["rated"]) == (plain, "koniq10k")
    monkeypatch.setattr(train.methods, "learns_from_scores", lambda module: False)
    train.train("noisy")
    assert (asked["rated"], written(planted, "noisy")["rated"]) == (None, "")


def test_a_set_without_parts_is_all_for_training_and_one_without_training_rows_is_refused(planted):
    assert len(training.training_pictures(results.dataset("toy"))) == 40
    assert results.split(results.dataset("toy"), "val") == []
    assert len(training.training_pictures(results.dataset("koniq10k"))) == 24
    assert len(results.split(results.dataset("koniq10k"), "test")) == 8
    path = planted / "data/pictures/manifest.csv"
    path.write_text(path.read_text().replace("train", "test"))
    with pytest.raises(ValueError, match="'pictures' has no rows of split 'train'"):
        training.training_pictures(results.dataset("pictures"))


def test_a_variant_is_trained_with_the_shared_changes_its_own_and_its_seed(planted, monkeypatch):
    folder = planted / "experiments/ablation"
    folder.mkdir(parents=True)
    for name in ("full", "no_consistency"):
        (folder / f"{name}.yaml").write_text((ROOT / f"experiments/ablation/{name}.yaml").read_text())
    change(planted, ablation={"changes": {"steps": 7}})
    params = yaml.safe_load((planted / "params.yaml").read_text())
    params["methods"]["qualiclip"]["train"] = {"steps": 99, "batch": 2}
    (planted / "params.yaml").write_text(yaml.safe_dump(params))
    trained = []
    monkeypatch.setattr(
        ablate, "train_on", lambda data, out, name, own, seed: trained.append((str(out), own.train, seed))
    )
    ablate.ablate("full")
    ablate.ablate("no_consistency")
    ablate.ablate("full", "28")
    shared = {"steps": 7, "batch": 2}
    assert trained == [
        ("results/ablation/full", shared, 27),
        ("results/ablation/no_consistency", {**shared, "consistency": 0.0}, 27),
        ("results/ablation/seed_28", shared, 28),
    ]
    with pytest.raises(
        ValueError, match=r"there is no experiments/ablation/fulll\.yaml; did you mean 'full'"
    ):
        ablate.ablate("fulll")
