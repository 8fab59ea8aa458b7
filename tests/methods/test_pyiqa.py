"""pyiqa's metrics through the adapter: two that need no weights for real, other cases by a stand-in."""

import sys
import types
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import methods
from benchmark.images import write_png
from benchmark.method import Trained
from benchmark.scoring.conformance import assert_conforms, pictures
from experiments.cli import app
from experiments.runs.releases import releases
from experiments.runs.training import train_into
from experiments.settings import MethodSettings
from methods import pyiqa as adapter
from methods._shared.pyiqa_opinions import OPINIONS, TITLES


class Model:
    lower_better = True
    score_range = "~0, 100"

    def __init__(self, score):
        self.score = score

    def __call__(self, images):
        assert len(images) == 1
        return self.score(images)


@pytest.fixture
def standin(monkeypatch):
    """A pyiqa whose one metric does what the test says."""
    module = types.ModuleType("pyiqa")
    module.list_models = lambda mode=None: ["fid", "topiq_nr"] if mode else ["fid", "lpips", "topiq_nr"]

    def with_score(score):
        module.create_metric = lambda name, device: Model(score)
        return methods.load("pyiqa:topiq_nr")

    module.with_score = with_score
    monkeypatch.setitem(sys.modules, "pyiqa", module)
    return module


def test_scores_are_the_metrics_own_one_by_one(standin):
    method = standin.with_score(lambda images: images.mean((1, 2, 3))[:, None])
    images = pictures(40, 50)
    torch.testing.assert_close(method.score(images), images.mean((1, 2, 3)))
    assert (method.name, method.higher_is_better) == ("pyiqa:topiq_nr", False)


def test_scores_of_another_release_are_those_of_another_version(standin, monkeypatch, tmp_path):
    """Beside each score, in what a training wrote down, and in what the pipeline watches."""
    monkeypatch.chdir(tmp_path)
    for index in range(3):
        write_png(tmp_path / f"{index}.png", torch.rand(3, 40, 40))
    real = metadata.version
    release = {"pyiqa": "0.1.15"}
    monkeypatch.setattr(metadata, "version", lambda name: release.get(name) or real(name))
    standin.with_score(lambda images: images.mean())
    command = ["score", "0.png", "1.png", "-m", "pyiqa:topiq_nr", "-m", "sharpness", "-o", "s.csv"]

    def versions():
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        return pd.read_csv("s.csv").groupby("method")["version"].first()

    def trained():
        own = MethodSettings(code="methods/pyiqa.py", load={"metric": "topiq_nr"})
        train_into(tmp_path / "topiq", "topiq", own, [], seed=1)
        return Trained.read(tmp_path / "topiq").version

    first, made, watched = versions(), trained(), releases(Path(adapter.__file__))
    assert (versions().equals(first), trained()) == (True, made)
    release["pyiqa"] = "0.1.16"
    refused = CliRunner().invoke(app, [*command[:1], "2.png", *command[1:], "--resume"])
    assert "is of a run with other version" in str(refused.exception)
    second = versions()
    assert second["pyiqa:topiq_nr"] != first["pyiqa:topiq_nr"]
    assert second["sharpness"] == first["sharpness"]
    assert trained() != made
    assert (watched, releases(Path(adapter.__file__))) == (["pyiqa 0.1.15"], ["pyiqa 0.1.16"])


def test_the_card_comes_from_pyiqas_metadata(standin):
    card = standin.with_score(lambda images: images.mean()).card
    assert (card.title, card.low, card.high) == ("topiq_nr (pyiqa)", float("-inf"), 100.0)
    assert (card.higher_is_better, card.opinion_aware) == (False, True)
    assert "~0, 100" in card.input
    open_above = adapter.card_of("niqe", True, "-2.5, ~")
    assert (open_above.low, open_above.high, open_above.opinion_aware) == (-2.5, float("inf"), False)


def test_random_crops_are_the_same_for_every_run(standin):
    method = standin.with_score(lambda images: torch.rand(1) * images.mean())
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    assert torch.equal(method.score(pictures(40, 50)), method.score(pictures(40, 50)))
    assert torch.equal(torch.random.get_rng_state(), before)


def fail(images):
    raise AssertionError("too small")


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (fail, "fails on a picture of 50x40: too small"),
        (lambda images: torch.tensor([float("nan")]), r"gives \[nan\] for"),
        (lambda images: torch.zeros(2, 2), "gives"),
    ],
)
def test_a_failure_on_a_picture_is_said(standin, score, says):
    with pytest.raises(ValueError, match=says):
        standin.with_score(score).score(pictures(40, 50))


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("topiq_nrr", "'topiq_nrr' is unknown; did you mean 'topiq_nr'"),
        ("lpips", "compares pictures with others"),
        ("fid", "compares pictures with others"),
    ],
)
def test_what_is_no_metric_of_a_picture_is_refused(standin, metric, says):
    with pytest.raises(ValueError, match=says):
        methods.load(f"pyiqa:{metric}")


def test_without_a_network_the_error_says_so(standin):
    def offline(name, device):
        raise OSError("Name or service not known")

    standin.create_metric = offline
    with pytest.raises(ValueError, match=r"'topiq_nr' cannot be fetched \(Name or service not known\)"):
        methods.load("pyiqa", metric="topiq_nr")


def test_without_pyiqa_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(ValueError, match=r"pip install 'qualibench\[pyiqa\]'"):
        methods.load("pyiqa:niqe")


def test_other_methods_have_no_variants():
    with pytest.raises(ValueError, match="'sharpness' has no variants"):
        methods.load("sharpness:fast")


@pytest.mark.parametrize("metric", ["piqe", "entropy"])
def test_real_metrics_keep_their_promises(metric):
    method = methods.load(f"pyiqa:{metric}")
    assert_conforms(method, method.card)


def test_entropy_is_that_of_the_histogram():
    # Four grey levels, equally often: two bits.
    levels = torch.tensor([0, 85, 170, 255]).repeat_interleave(64 * 16).view(1, 1, 64, 64) / 255
    score = methods.load("pyiqa:entropy").score(levels.expand(1, 3, 64, 64))
    assert score.item() == pytest.approx(2, abs=1e-4)


def test_what_every_metric_learnt_is_stated():
    """Of all that the installed pyiqa can name; a newer one may bring others, which count as unknown."""
    import pyiqa

    named = set(pyiqa.list_models("NR")) - set(adapter.NOT_OF_A_PICTURE)
    assert named - set(OPINIONS) == set()
    known = {name for record in OPINIONS.values() for name in record.of.split()}
    assert known <= set(TITLES)
    assert all(len(record.source) > 3 for record in OPINIONS.values())


def test_what_pyiqas_own_settings_say_is_what_is_stated():
    """Most settings name the training set of the weights; the names of files name others."""
    from pyiqa.default_model_configs import DEFAULT_CONFIGS

    ours = {"koniq": "koniq10k", "koniq10k": "koniq10k", "kadid": "kadid10k", "tid": "tid2013",
            "paq2piq": "flive", "spaq": "spaq", "flive": "flive", "clive": "clive", "live": "live",
            "csiq": "csiq", "pipal": "pipal", "ava": "ava", "cgfiqa": "cgfiqa",
            "gfiqa": "gfiqa20k"}  # fmt: skip
    seen = 0
    for metric, entry in DEFAULT_CONFIGS.items():
        options = entry["metric_opts"]
        named = [options.get(key) for key in ("pretrained", "train_dataset", "regressor_dataset")]
        named += str(options.get("model_name", "")).split("_")
        found = {ours[name] for name in named if isinstance(name, str) and name in ours}
        if found and entry["metric_mode"] == "NR" and metric in OPINIONS:
            seen += 1
            assert found <= set(OPINIONS[metric].of.split()), metric
    assert seen > 25


@pytest.mark.parametrize(
    ("metric", "aware", "words"),
    [
        ("topiq_nr", True, "opinions of KonIQ-10k"),
        ("ilniqe", False, "no quality scores"),
        ("unique", True, "opinions of LIVE, CSIQ, KADID-10k, BID, CLIVE, KonIQ-10k"),
        ("brisque_matlab", True, "not known"),
        ("qrealign", True, "others that are not known"),
        ("of_next_year", True, "not known"),
    ],
)
def test_the_card_says_what_was_learnt_from_people(metric, aware, words):
    card = adapter.card_of(metric, True, "")
    assert card.training_data.startswith(words) or words in card.training_data
    assert card.opinion_aware == aware
    assert bool(card.opinions_of) == aware
