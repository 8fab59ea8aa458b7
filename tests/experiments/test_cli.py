import io
import mmap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import methods
from benchmark.images import read, write_png
from experiments.cli import app
from experiments.runs import stage
from experiments.scoring import speed
from methods._shared import devices
from tests.composed import composed
from tests.degradations.pictures import photographs

run = CliRunner()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """No method that a pipeline has trained here may be taken, and nothing is left in the user's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("methods._shared.training.loop.journals", lambda: tmp_path / "journals")
    monkeypatch.setattr("methods.qualiclip.training.SHOWN", 32)  # pixels; at 80 a sheet takes half a second


@pytest.fixture
def picture(tmp_path):
    write_png(tmp_path / "in.png", photographs()[0])
    return tmp_path / "in.png"


def test_every_command_explains_itself():
    listed = run.invoke(app, ["--help"]).output
    for command in ("score", "methods", "degrade"):
        assert command in listed
        assert run.invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "train sharpness --images . --out o --set steps=1 --set steps=2",
            "--set steps: is set twice, steps=1 and",
        ),
        ("score in.png -m qualiclip --set a=1 --set b=2 --set a=1", "--set a=1 is given twice"),
        ("check-method sharpness --set a=1 --set a=2", "--set a: is set twice, a=1 and a=2; leave one out"),
        ("score in.png -m niqe --method sharpness -m niqe", "--method niqe is given twice"),
        ("bench -m sharpness -m sharpness", "--method sharpness is given twice"),
        ("download -m niqe -m niqe", "--method niqe is given twice"),
        ("splits check lab --test other --test other", "--test other is given twice"),
        ("score in.png -m sharpness --out a.csv -o b.csv", "--out is given twice"),
        ("evaluate a.csv lab --lower --higher", "--lower/--higher is given twice"),
        ("gmad judge --dataset a --dataset b --out p.html", "--dataset is given twice"),
        ("datasets add lab --images a --images b --scores s.csv", "--images is given twice"),
        ("datasets add lab --images a --scores s.csv --scores s.csv", "--scores s.csv is given twice"),
    ],
)
def test_what_is_given_twice_is_refused_by_its_name(words, says, picture):
    done = run.invoke(app, words.split())
    assert isinstance(done.exception, ValueError), done.output
    assert says in str(done.exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "niqe", "--images", "", "--out", "o"], "--images is empty; say what is meant, or leave"),
        (["datasets", "add", "lab", "--images=", "--scores", "s.csv"], "--images is empty"),
        (["datasets", "add", "lab", "--images", ".", "--scores", ""], "--scores is empty"),
        (["score", "in.png", "", "-m", "sharpness"], "PATHS is empty; say what is meant"),
        (["score", "in.png", "-m", "sharpness", "--explain", ""], "--explain is empty"),
        (["degrade", "", "--kind", "jpeg", "--out", "o.png"], "IMAGE is empty"),
        (["gmad", "judge", "--dataset", "", "--out", "p.html"], "--dataset is empty"),
        (["splits", "make", "", "--out", "s.csv"], "NAME is empty"),
        (["verify", "koniq10k", "--source", ""], "--source is empty"),
        (["weights", "compare", "a.pt", "b.pt", "--pictures", ""], "--pictures is empty"),
        (["records", "verify", ""], "FOLDER is empty"),
        (["leaderboard", "--out", ""], "--out is empty"),
        (["report", "--compare", ""], "--compare is empty"),
    ],
)
def test_what_is_empty_is_not_the_folder_where_one_stands(words, says, picture):
    done = run.invoke(app, words)
    assert isinstance(done.exception, ValueError), done.output
    assert says in str(done.exception)


@pytest.mark.parametrize("method", ["niqe", "ilniqe"])
def test_pristine_pictures_of_no_folder_are_not_those_where_one_stands(method, picture):
    with pytest.raises(ValueError, match="pristine is empty"):
        methods.load(method, pristine="")


def test_pictures_that_are_named_twice_are_scored_once(picture):
    done = run.invoke(app, ["score", "in.png", "in.png", "*.png", "-m", "sharpness", "-o", "a.csv"])
    assert (done.exit_code, len(pd.read_csv("a.csv"))) == (0, 1)


def test_methods_lists_what_must_be_known_of_each():
    listed = run.invoke(app, ["methods"]).output
    for words in (
        "niqe  (NIQE)",
        "range: 0 to inf, lower is better",
        "paper: A. Mittal",
        "weights: published pristine parameters, fetched at first use",
    ):
        assert words in listed
    table = pd.read_csv(io.StringIO(run.invoke(app, ["methods", "--csv"]).output))
    assert set(table["name"]) == set(methods.names())
    assert {"paper", "range", "weights", "licence"} <= set(table.columns)


def test_check_method_says_what_holds(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run.invoke(app, ["check-method", "sharpness"])
    assert (done.exit_code, "ok    alone as in a batch" in done.output) == (0, True)


def test_check_method_takes_the_settings_of_params_yaml(monkeypatch):
    monkeypatch.setattr(stage, "MODELS", Path("nowhere"))
    monkeypatch.chdir(Path(__file__).parents[2])
    done = run.invoke(app, ["check-method", "clipiqa"])
    assert (done.exit_code, "ok    gradients" in done.output) == (0, True)
    assert "checking the row clipiqa of params.yaml: methods/clipiqa.py, architecture=" in done.stderr


def test_check_method_fails_where_a_promise_is_broken(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run.invoke(app, ["check-method", "sharpness", "--gradients"])
    assert done.exit_code == 1
    assert "WRONG gradients: the method lacks one of" in done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["niqe", "--set", "parameters=a.npz", "--set", "pristine=b"], "give either `parameters`"),
        (["niqee"], "did you mean 'niqe'"),
        (["niqe", "--set", "patch"], "expected key=value"),
        (["niqe", "--set", "patc=3"], "did you mean 'patch'"),
    ],
)
def test_check_method_says_what_it_needs(monkeypatch, tmp_path, arguments, says):
    monkeypatch.chdir(tmp_path)
    done = run.invoke(app, ["check-method", *arguments])
    assert isinstance(done.exception, ValueError)
    assert says in str(done.exception)


def test_degrade_changes_the_picture(picture, tmp_path):
    from benchmark.degradations import degrade

    made = run.invoke(
        app, ["degrade", str(picture), "--kind", "gaublur", "--level", "3", "--out", str(tmp_path / "o.png")]
    )
    assert made.exit_code == 0
    expected = degrade(read(picture)[None], "gaublur", 3, [0])[0]
    assert (read(tmp_path / "o.png") - expected).abs().max() <= 0.5 / 255 + 1e-6


def test_degrade_makes_a_sheet(picture, tmp_path):
    assert (
        run.invoke(
            app, ["degrade", str(picture), "--kind", "all", "--out", str(tmp_path / "s.png")]
        ).exit_code
        == 0
    )
    assert read(tmp_path / "s.png").shape == (3, 8 * (144 + 28), 3 * (5 * 144 + 10))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "gausblur"}, "did you mean"),
        ({"level": "6"}, "1 to 5"),
        ({"out": "o.jpg"}, ".png"),
        ({"kind": "all"}, "--level 3: the sheet of --kind all shows all five"),
    ],
)
def test_degrade_refuses_what_it_cannot_do(picture, tmp_path, change, says):
    options = {"kind": "gaublur", "level": "3", "out": "o.png"} | change
    result = run.invoke(
        app, ["degrade", str(picture), *(a for k, v in options.items() for a in (f"--{k}", v))]
    )
    assert isinstance(result.exception, ValueError)
    assert says in str(result.exception)


def test_score_writes_a_row_a_picture_and_says_what_failed(picture, tmp_path):
    (tmp_path / "broken.png").write_bytes(picture.read_bytes()[:2000])
    out = tmp_path / "scores.csv"
    done = run.invoke(app, ["score", str(tmp_path), "--method", "sharpness", "--out", str(out)])
    assert done.exit_code == 3
    frame = pd.read_csv(out)
    assert list(frame["score"].notna()) == [False, True]
    assert "broken.png" in frame["error"][0]


def test_train_leaves_a_folder_that_scores_and_can_be_moved(tmp_path):
    (tmp_path / "mine").mkdir()
    for index, image in enumerate(photographs()[:3]):
        write_png(tmp_path / "mine" / f"{index}.png", image)
    small = {
        "architecture": "small",
        "pretrained": "null",
        "norm": "train",
        "lr": "1e-3",
        "steps": 2,
        "crop": 64,
    }
    options = [part for name, value in small.items() for part in ("--set", f"{name}={value}")]
    made = run.invoke(
        app,
        [
            "train",
            "qualiclip",
            "--images",
            "mine",
            "--out",
            str(tmp_path / "own"),
            "--set",
            "batch=2",
            *options,
        ],
    )
    assert made.exit_code == 0, made.output
    assert str(tmp_path) not in (tmp_path / "own/method.json").read_text()
    first = run.invoke(app, ["score", "mine", "--method", "own"])
    (tmp_path / "own").rename(tmp_path / "moved")
    second = run.invoke(app, ["score", "mine", "--method", "moved"])
    assert first.exit_code == second.exit_code == 0
    tables = [pd.read_csv(io.StringIO(one.stdout)) for one in (first, second)]
    assert [table.pop("method").unique().tolist() for table in tables] == [["own"], ["moved"]]
    assert [table.pop("weights")[0] for table in tables] == [
        "own/weights.safetensors",
        "moved/weights.safetensors",
    ]
    assert tables[0].equals(tables[1])
    assert len(tables[0]) == 3


def test_a_finished_training_is_not_repeated_without_force(tmp_path):
    (tmp_path / "mine").mkdir()
    for index, image in enumerate(photographs()[:2]):
        write_png(tmp_path / "mine" / f"{index}.png", image)
    command = ["train", "qualiclip", "--images", "mine", "--out", "own"]
    small = [
        "architecture=small",
        "pretrained=null",
        "norm=train",
        "lr=1e-3",
        "steps=1",
        "crop=64",
        "batch=2",
    ]
    command += [part for setting in small for part in ("--set", setting)]
    assert run.invoke(app, command).exit_code == 0

    def left():
        return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in (tmp_path / "own").iterdir()}

    made = left()
    for more in ([], ["--set", "workers=1"], ["--set", "overlap=0.5"]):  # the pace, and a default spelt out
        again = run.invoke(app, command + more)
        assert again.exit_code == 0
        assert "is trained already" in again.output
    faster = ["lr=1e-2" if word == "lr=1e-3" else word for word in command]
    for other, said in (
        (faster, "lr was 0.001 and is 0.01"),
        ([*command, "--seed", "1"], "seed was 0 and is 1"),
    ):
        with pytest.raises(ValueError, match=said):
            run.invoke(app, other, catch_exceptions=False)
    assert left() == made
    write_png(tmp_path / "mine" / "new.png", photographs()[2])
    with pytest.raises(ValueError, match="the pictures are others"):
        run.invoke(app, command, catch_exceptions=False)
    # What a stopped run left is another's: --force begins anew, and only once the settings are right.
    (tmp_path / "own.partial").write_bytes(b"state")
    with pytest.raises(ValueError, match="did you mean"):
        run.invoke(app, [*command, "--force", "--set", "stepz=1"], catch_exceptions=False)
    assert (tmp_path / "own.partial").exists()
    with pytest.raises(ValueError, match=r"own\.partial: is damaged"):
        run.invoke(app, command, catch_exceptions=False)
    assert left() == made
    forced = run.invoke(app, [*command, "--force"])
    assert forced.exit_code == 0, forced.output
    assert "trained on 3 pictures" in forced.output
    assert left() != made


def test_train_names_a_setting_that_does_not_exist(tmp_path, picture):
    (tmp_path / "mine").mkdir()
    picture.rename(tmp_path / "mine" / "a.png")
    result = run.invoke(app, ["train", "qualiclip", "--images", "mine", "--out", "own", "--set", "stepz=3"])
    assert "did you mean 'steps'" in str(result.exception)


def test_doctor_says_what_the_settings_lack(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text(composed())
    looked = run.invoke(app, ["doctor"])
    assert looked.exit_code == 1
    assert "run `dvc repro prepare@demo`" in looked.output
    assert "run `dvc repro train@qualiclip`" in looked.output
    assert torch.__version__.split("+")[0] in looked.output
    with pytest.raises(ValueError, match="did you mean 'paper'"):
        run.invoke(app, ["doctor", "--profile", "papper"], catch_exceptions=False)


@pytest.mark.parametrize("has", [True, False])
def test_bf16_on_a_processor_that_emulates_it_is_said_to_be_slow(has, tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", torch.rand(3, 40, 40))
    monkeypatch.setattr(devices, "computes_in_bf16", lambda kind: has)
    asked = ["score", str(tmp_path), "--method", "sharpness", "--device", "cpu", "--precision"]
    coarse, fine = (run.invoke(app, [*asked, precision]) for precision in ("bf16", "fp32"))
    assert ("fp32 is faster here" in coarse.stderr) != has
    assert "faster" not in fine.stderr


def test_bench_measures_both_precisions():
    done = run.invoke(app, ["bench", "--method", "sharpness", "--size", "48", "--seconds", "0.1"])
    assert done.exit_code == 0
    rows = [line.split() for line in done.output.splitlines()]
    assert [row[1] for row in rows] == ["precision", "fp32", "bf16"]
    assert all(float(row[2]) > 0 for row in rows[1:])
    assert float(rows[1][4]) == 0


def test_bench_times_what_score_computes(monkeypatch):
    """On CUDA that takes all bits of fp32, and TF32, which is faster and coarser, would be another thing."""
    asked = []

    def function_of(method, how):
        asked.append((how.device, how.precision))
        wrong = 1.0 if how.precision == "bf16" else 0.0
        return lambda images: images.mean(dim=(1, 2, 3)) + wrong

    monkeypatch.setattr(speed, "function_of", function_of)
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    exact, coarse = speed.bench(methods.load("sharpness"), images, 4, "cpu", 0.01)
    assert asked == [("cpu", "fp32"), ("cpu", "bf16")]
    assert (exact.drift, exact.srcc) == (0, 1)
    spread = np.std(images.double().numpy().mean(axis=(1, 2, 3)), ddof=1)
    assert coarse.drift == pytest.approx(1 / spread, rel=1e-5)
    assert coarse.srcc == pytest.approx(1)


@pytest.mark.parametrize(
    "words",
    [
        ("train", "qualiclip", "--images", "x", "--out", "y"),
        ("evaluate", "sharpness", "koniq10k"),
        ("compare", "a.csv", "b.csv", "--scores", "c.csv"),
        ("gmad", "tally", "a.json", "--dataset", "x"),
    ],
)
def test_a_seed_below_0_is_refused_by_its_name(words):
    done = run.invoke(app, [*words, "--seed", "-1"])
    assert done.exit_code == 2
    assert "--seed" in done.output


@pytest.mark.parametrize("words", [["--method", "sharpnes"], ["--method", "sharpness", "--device", "mps"]])
def test_bench_prints_no_table_of_what_it_refuses(words, monkeypatch):
    monkeypatch.setattr("experiments.scoring.local.available", lambda: "cpu")
    done = run.invoke(app, ["bench", *words, "--size", "32", "--seconds", "0.1"])
    assert isinstance(done.exception, ValueError)
    assert done.stdout == ""


@pytest.mark.skipif(not speed.CLEAR.exists(), reason="this system does not say how much memory was held")
def test_the_peak_of_memory_is_told_though_it_is_over():
    """Memory straight from the system: what has been freed before would be taken first, and nothing rise."""
    before, peak = speed.Peak("cpu").read(), speed.Peak("cpu")
    with mmap.mmap(-1, 64 * 2**20) as held:
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1
        highest = peak.read()
    assert 60 < (highest - before) / 2**20 < 80
    assert highest > speed.Peak("cpu").read()


def test_the_hub_offers_every_method():
    hub = str(Path(__file__).parents[2])
    images = photographs()[:2]
    loaded = torch.hub.load(hub, "sharpness", source="local")
    assert torch.equal(loaded.score(images), methods.load("sharpness").score(images))
    with pytest.raises(ValueError, match="niqe: give either `parameters`"):
        torch.hub.load(hub, "niqe", source="local", parameters="a.npz", pristine="b")
