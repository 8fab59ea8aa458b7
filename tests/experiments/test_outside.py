"""Pictures behind a link: replaced, lost and led elsewhere, they never leave an old number standing."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from benchmark.datasets import load
from benchmark.datasets.prepared import contents, linked
from experiments import settings
from experiments.cli import app
from experiments.runs import results, stage
from experiments.runs.trained import version_of
from experiments.runs.training import train_into
from experiments.scheduling import status
from experiments.settings import MethodSettings
from experiments.stages.outside import outside
from experiments.stages.prepare import prepare
from experiments.stages.score import score
from tests.made import trained
from tests.rehearsal import small

TOP = Path(__file__).parents[2]
run = CliRunner()
NAMES = [f"{index}.png" for index in range(4)]


def noise(path, seed, size=40):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def smooth(path):
    Image.fromarray(np.full((40, 40, 3), 128, dtype=np.uint8)).save(path)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A project with the user's own data set of four noisy pictures; returns the folder of the pictures."""
    project, pictures = tmp_path / "project", tmp_path / "pictures"
    shutil.copytree(TOP / "experiments/ablation", project / "experiments/ablation")
    (project / "notebooks").symlink_to(TOP / "notebooks")
    pictures.mkdir()
    for index, name in enumerate(NAMES):
        noise(pictures / name, index)
    monkeypatch.chdir(project)
    table = tmp_path / "lab.csv"
    table.write_text("image,mos\n" + "".join(f"{name},{i + 1}\n" for i, name in enumerate(NAMES)))
    told = [
        "--images",
        str(pictures),
        "--scores",
        str(table),
        "--low",
        "1",
        "--high",
        "5",
        "--higher-is-better",
    ]
    said = run.invoke(app, ["datasets", "add", "lab", *told, "--yes"])
    assert said.exit_code == 0, said.output
    params = yaml.safe_load(small.settings())
    params["prepare"]["datasets"] = {"lab": None, "leaves": None}
    params["train"] |= {"dataset": "lab", "rated": "lab"}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    train_into(
        stage.MODELS / "sharpness", "sharpness", MethodSettings(code="methods/sharpness.py"), [], seed=1
    )
    look()
    return pictures


def look():
    """What `dvc repro` runs where `.outside/datasets/lab` differs; returns whether it did."""
    before = Path(".outside/datasets/lab").read_text() if Path(".outside/datasets/lab").is_file() else ""
    outside()
    if Path(".outside/datasets/lab").read_text() == before:
        return False
    prepare("lab")
    return True


def scored():
    score("sharpness")
    return pd.read_csv("results/scores/sharpness/lab.csv", index_col="image")["score"]


def state():
    """All that later stages depend on of the data set."""
    return {path.name: path.read_bytes() for path in Path("data/lab").iterdir() if not path.is_symlink()}


def test_a_replaced_picture_reaches_what_later_stages_depend_on(lab):
    before, old = scored(), state()
    assert not look()
    smooth(lab / "0.png")
    assert look()
    new = state()
    assert {name for name in new if new[name] != old[name]} == {"pictures.csv"}
    after = scored()
    assert after["images/0.png"] == pytest.approx(0, abs=1e-3)
    assert before["images/0.png"] > 100
    assert after[1:].tolist() == before[1:].tolist()


def test_another_release_of_a_package_that_scores_trains_its_method_again(lab, monkeypatch):
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["methods"]["topiq"] = {"code": "methods/pyiqa.py", "load": {"metric": "topiq_nr"}}
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    (Path("methods")).symlink_to(TOP / "methods")
    seen = []
    for release in ("0.1.15", "0.1.16"):
        monkeypatch.setattr("experiments.runs.releases._installed", lambda name, release=release: release)
        outside()
        seen.append([Path(f".outside/methods/{name}").read_text() for name in ("topiq", "sharpness")])
    assert seen == [["pyiqa 0.1.15\n", "names none\n"], ["pyiqa 0.1.16\n", "names none\n"]]


def test_one_of_the_same_size_and_time_is_another_one(lab):
    path = lab / "0.png"
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content[:-1] + b"x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    old = contents.digest_of(Path("data/lab"))
    assert look()
    assert contents.digest_of(Path("data/lab")) != old


def test_a_touched_file_changes_nothing_and_is_read_once(lab, monkeypatch):
    old = state()
    os.utime(lab / "0.png")
    assert look()
    assert state() == old
    reads = []
    monkeypatch.setattr(contents.hashlib, "file_digest", lambda *a: reads.append(a))
    assert linked.check(Path("data/lab")) is None
    assert not reads


def test_a_table_of_the_release_is_an_input_too(lab):
    path = Path("experiments/datasets/lab.csv")
    path.write_text(path.read_text().replace("0.png,1", "0.png,3"))
    assert look()
    assert load("lab").manifest["mos"].tolist()[0] == 3


@pytest.mark.parametrize("how", ["lost", "dangling", "elsewhere"])
def test_the_link_is_made_anew_on_use(lab, tmp_path, how):
    images = Path("data/lab/images")
    images.unlink()
    if how != "lost":
        other = tmp_path / "other"
        if how == "elsewhere":
            other.mkdir()
            for name in NAMES:
                smooth(other / name)
        images.symlink_to(other)
    assert scored().min() > 100
    assert images.readlink() == lab


def test_a_source_with_other_pictures_of_the_same_names(lab, tmp_path):
    before = scored()
    other = tmp_path / "other"
    other.mkdir()
    for name in NAMES:
        smooth(other / name)
    params = yaml.safe_load(Path("params.yaml").read_text())
    first = yaml.safe_dump(params)
    params["prepare"]["datasets"]["lab"] = {"source": str(other)}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ValueError, match=r"is not the file that was prepared \(4 pictures"):
        score("sharpness")  # by itself, before anything was prepared again
    assert look()
    assert scored().max() == pytest.approx(0, abs=1e-3)
    kept = state()
    Path("params.yaml").write_text(first)
    assert look()
    assert state() != kept
    assert scored().tolist() == before.tolist()


def test_pictures_that_are_gone_fail_the_stage_and_keep_what_was_made(lab, capsys):
    old = scored()
    (lab / "2.png").unlink()
    with pytest.raises(ValueError, match=r"2\.png: does not exist \(1 pictures of 'lab' are missing\)"):
        score("sharpness")
    shutil.move(lab, lab.with_name("away"))
    with pytest.raises(ValueError, match="is not a folder; it should hold the pictures of 'lab'"):
        score("sharpness")
    assert not look()  # as after `dvc pull` on a machine without the release
    assert "lab: its release is not here; what was made of it stands" in capsys.readouterr().err
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["prepare"]["datasets"]["lab"] = {"source": "misspelt"}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ValueError, match="misspelt: is not a folder"):
        look()
    kept = pd.read_csv("results/scores/sharpness/lab.csv", index_col="image")["score"]
    assert kept.tolist() == old.tolist()


def test_a_data_set_under_another_name_is_watched_as_its_kind(lab):
    """A release may stand in two rows; the second has no record of its own name."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["prepare"]["datasets"]["other"] = {"kind": "lab"}
    Path("params.yaml").write_text(yaml.safe_dump(params))

    def noted():
        outside()
        return Path(".outside/datasets/other").read_text()

    before = noted()
    prepare("other")
    assert noted() == before
    table = Path("experiments/datasets/lab.csv")
    table.write_text(table.read_text().replace("0.png,1", "0.png,3"))
    after = noted()
    assert after != before
    smooth(lab / "0.png")
    assert noted() != after
    with pytest.raises(ValueError, match=r"is not the file that was prepared \(1 pictures of 'other'"):
        results.pictured("other", settings.load().prepare)


def test_pictures_that_a_method_is_fitted_to_are_an_input(lab, tmp_path):
    """A folder that the settings name: `train` runs again, and what it leaves is another version."""
    fitted = tmp_path / "fitted"
    (fitted / "deeper").mkdir(parents=True)
    noise(fitted / "0.png", 7, size=128)
    noise(fitted / "deeper" / "1.png", 8, size=128)
    load = {"pristine": str(fitted)}
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["methods"]["mine"] = {"code": "methods/niqe.py", "train": None, "load": load}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    own = MethodSettings(code="methods/niqe.py", train=None, load={**load, "patch": 16})

    def left():
        outside()
        train_into(stage.MODELS / "mine", "mine", own, [], seed=1)
        return Path(".outside/methods/mine").read_text(), version_of(stage.MODELS / "mine")

    before = left()
    assert left() == before
    noise(fitted / "deeper" / "1.png", 9, size=128)
    after = left()
    assert before[0] != after[0]
    assert before[1] != after[1]
    (fitted / "notes.txt").write_text("no picture")
    assert left() == after


def test_weights_that_only_a_variant_of_the_ablation_names_are_an_input(lab, tmp_path):
    weights = tmp_path / "start.safetensors"
    weights.write_bytes(b"one")
    method = yaml.safe_load(Path("params.yaml").read_text())["ablation"]["method"]
    ablation = Path("experiments/ablation/full.yaml")
    ablation.write_text(yaml.safe_dump({"methods": {method: {"train": {"pretrained": str(weights)}}}}))
    outside()
    before = Path(f".outside/methods/{method}").read_text()
    outside()
    assert Path(f".outside/methods/{method}").read_text() == before
    weights.write_bytes(b"another")
    outside()
    assert Path(f".outside/methods/{method}").read_text() != before


def test_a_table_of_errors_alone_is_no_result(lab):
    Path("results/scores/sharpness").mkdir(parents=True)
    for name in NAMES:
        (lab / name).write_bytes(b"no picture")
    look()
    with pytest.raises(ValueError, match=r"could score none of the 4 pictures of lab; images/0\.png: "):
        score("sharpness")
    assert [path.name for path in Path("results/scores/sharpness").iterdir()] == ["cells.json"]


def test_verify_and_doctor_say_what_differs(lab):
    assert run.invoke(app, ["verify", "lab"]).exit_code == 0
    noise(lab / "1.png", 77)
    said = run.invoke(app, ["verify", "lab"])
    assert said.exit_code == 3
    assert "images/1.png: is not the file that was prepared; `dvc repro prepare@lab`" in said.output
    lines = {name: (there, text) for name, there, text in status.data_sets(settings.load())}
    assert lines["lab"][0] is False
    assert "is not the file that was prepared" in lines["lab"][1]


def test_digests_are_part_of_the_signature(lab):
    from experiments.runs import signatures

    methods = {"m": trained()}
    frame = pd.DataFrame({"method": ["m"], "n": [4], "protocol": [""], "dataset": ["lab"]})
    signatures._facts.cache_clear()
    old = signatures.signed(frame, methods)["signature"][0]
    smooth(lab / "0.png")
    look()
    signatures._facts.cache_clear()
    new = signatures.signed(frame, methods)["signature"][0]
    signatures._facts.cache_clear()
    assert old.split("data=")[0] == new.split("data=")[0]
    assert old != new


def test_a_method_that_learnt_from_the_test_pictures_is_known_by_their_digests(lab):
    rows = [{"image": row.image, "sha256": row.sha256} for row in contents.read(Path("data/lab"))]
    data = results.dataset("lab")
    assert results.digests(data) == {row["sha256"] for row in rows}
    assert results.digests(data, ["images/1.png"]) == {rows[1]["sha256"]}
    shutil.rmtree(lab)  # the pictures need not be there
    assert results.digests(data) == {row["sha256"] for row in rows}


def test_a_manifest_from_before_says_how_it_is_brought_up_to_date(lab):
    Path("data/lab/pictures.csv").unlink()
    with pytest.raises(ValueError, match="dvc repro -f prepare@lab"):
        score("sharpness")
    Path("data/lab/pictures.csv").write_text("image\n1.png\n")
    with pytest.raises(ValueError, match="must have the columns image, size, sha256"):
        score("sharpness")


def test_a_journal_cut_off_by_a_kill_is_read_as_far_as_it_goes(lab):
    journal = linked.journal_of(Path("data/lab"))
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-10])
    before = json.dumps(contents.read(Path("data/lab")))
    names = [row.image for row in contents.read(Path("data/lab"))]
    assert json.dumps(contents.contents(Path("data/lab"), names, journal)) == before
