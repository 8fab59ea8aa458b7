"""A CUDA device computes what the CPU computes, to the tolerance that each test states.

Without TF32, whose ten bits torch allows in convolutions of float32 on CUDA (and not in matrix products).
"""

from contextlib import contextmanager

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import methods
from benchmark.attribution import maps
from benchmark.images import unit, write_png
from benchmark.scoring import frame_of, score_files
from experiments.scoring import local
from experiments.scoring.local import How, function_of, local_rows
from tests.degradations.pictures import photographs
from tests.methods import test_resuming as resuming
from tests.on_cuda import DEVICE, needed
from tests.scoring import test_conformance as conformance

folder = conformance.folder
pictures = resuming.pictures

#: Largest difference of scores and features, of the largest value of each.
NETWORK, STATISTIC = 2e-4, 5e-3
#: Those that look a shape up in a table, or divide by variances that nearly vanish.
STATISTICS = {"arniqa_ou", "contrique", "reiqa", "grepq", "mdfs", "sharpness", "niqe", "ilniqe", "brisque"}


@pytest.fixture(autouse=True)
def no_tf32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@contextmanager
def same_each_time(warn_only):
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def on(monkeypatch, device):
    """Let trainings compute there."""
    for module in ("methods._shared.training.ranks", "methods.arniqa.training"):
        monkeypatch.setattr(f"{module}.device", lambda: torch.device(device))


def assert_near(there, here, tolerance):
    assert there.device.type == "cpu"
    assert there.shape == here.shape
    assert (there - here).abs().max() <= tolerance * here.abs().max()


@needed
@pytest.mark.parametrize("name", sorted(conformance.METHODS))
def test_scores_and_features_are_those_of_the_cpu(name, folder, tmp_path, monkeypatch):
    on(monkeypatch, "cpu")
    method = conformance.METHODS[name](folder, tmp_path)
    images = photographs(128)[:3]
    doors = [door for door in ("score", "features") if hasattr(method, door)]
    here = {door: getattr(method, door)(images) for door in doors}
    if hasattr(method, "to"):
        method.to(DEVICE)
    for door in doors:
        assert_near(
            getattr(method, door)(images.to(DEVICE)), here[door], STATISTIC if name in STATISTICS else NETWORK
        )


@needed
@pytest.mark.parametrize("name", ["arniqa", "clipiqa", "qualiclip_small", "sharpness"])
def test_a_module_stays_on_the_device_with_its_gradients(name, folder, tmp_path):
    method = conformance.METHODS[name](folder, tmp_path)
    module, images = method.as_module(), photographs(96)[:2]
    found = []
    for device in (torch.device("cpu"), DEVICE):
        given = images.to(device).requires_grad_(name != "sharpness")
        values = [module.to(device)(given)]
        if name != "sharpness":
            values += torch.autograd.grad(values[0].sum(), given)
        assert {value.device.type for value in values} == {device.type}
        found.append(values)
    for here, there in zip(*found, strict=True):
        assert_near(there.detach().cpu(), here.detach(), STATISTIC)


@needed
def test_files_are_scored_as_on_the_cpu(folder):
    files = sorted(folder.iterdir())
    method = methods.load("qualiclip-small")
    here = score_files(files, method)
    method.score = function_of(methods.load("qualiclip-small"), How(device=DEVICE.type))
    there = score_files(files, method, batch=3)
    pd.testing.assert_frame_equal(there, here, atol=1e-4, rtol=0)


@needed
def test_bf16_stays_near(folder):
    images = photographs(128)
    here = methods.load("qualiclip-small").score(images)
    coarse = function_of(methods.load("qualiclip-small"), How(device=DEVICE.type, precision="bf16"))(images)
    assert (coarse - here).abs().max() < 0.05


@needed
def test_maps_are_those_of_the_cpu():
    method, images = methods.load("qualiclip-small"), photographs(128)[:2]
    here = maps(method, images)
    assert_near(maps(method.to(DEVICE), images.to(DEVICE)), here, 1e-3)


@needed
def test_a_byte_becomes_the_number_that_it_is_on_the_cpu():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(unit(every, DEVICE).cpu(), every.float() / 255)


@needed
@pytest.mark.parametrize("many", [1, 1000])
def test_files_are_scored_from_bytes_in_all_bits(folder, monkeypatch, many):
    """As `iqa score` does, decoded by processes and by threads; torch would round to TF32 unless told."""
    monkeypatch.setattr(local, "MANY", many)
    files = sorted(folder.iterdir())
    here = score_files(files, methods.load("qualiclip-small"))
    torch.backends.cudnn.allow_tf32 = True  # put back by the fixture
    method, how = methods.load("qualiclip-small"), How(device=DEVICE.type, batch=3)
    rows = [row for part in local_rows(files, method, how, {}) for row in part]
    there = frame_of(files, rows)
    pd.testing.assert_frame_equal(there, here, atol=1e-4, rtol=0)
    assert torch.backends.cudnn.allow_tf32


SETTINGS = {"qualiclip": resuming.QUALICLIP, "arniqa": resuming.ARNIQA}


def first_loss(name, pictures, out, **more):
    shorter = {"epochs": 0.5} if name == "arniqa" else {"steps": 1}
    resuming.learn(name, pictures, out, SETTINGS[name] | shorter | more)
    return pd.read_csv(out / "curve.csv")["loss"][0]


@needed
@pytest.mark.parametrize("name", list(SETTINGS))
def test_the_first_loss_is_that_of_the_cpu(name, pictures, tmp_path, monkeypatch):
    on(monkeypatch, "cpu")
    here = first_loss(name, pictures, tmp_path / "here")
    on(monkeypatch, DEVICE)
    assert first_loss(name, pictures, tmp_path / "there") == pytest.approx(here, rel=1e-3)
    assert first_loss(name, pictures, tmp_path / "coarse", bf16=True) == pytest.approx(here, rel=0.05)


@needed
@pytest.mark.parametrize("name", list(SETTINGS))
@pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation")
def test_a_training_repeats_itself_and_goes_on_where_it_was_stopped(name, pictures, tmp_path, monkeypatch):
    on(monkeypatch, DEVICE)
    own = SETTINGS[name]
    # torch has no deterministic gradient of ARNIQA's max pooling on CUDA.
    with same_each_time(warn_only=name == "arniqa"):
        resuming.learn(name, pictures, tmp_path / "one", own)
        resuming.learn(name, pictures, tmp_path / "again", own)
        resuming.stopped_after_two_saves(monkeypatch, name, pictures, tmp_path / "cut", own)
        resuming.learn(name, pictures, tmp_path / "cut", own)
    one, again, cut = (resuming.weights(tmp_path / each) for each in ("one", "again", "cut"))
    assert all(bool(value.isfinite().all()) for value in one.values())
    near = {"atol": 1e-3, "rtol": 1e-3} if name == "arniqa" else {"atol": 0, "rtol": 0}
    torch.testing.assert_close(again, one, **near)
    torch.testing.assert_close(cut, one, **near)


@needed
def test_a_step_at_the_papers_size_is_finite(tmp_path, monkeypatch):
    """RN50, crops of 224 pixels, bf16, every type: far fewer pictures than the paper's sixteen on the CPU."""
    on(monkeypatch, DEVICE)
    paths = [tmp_path / f"{index}.png" for index in range(6)]
    for path, image in zip(paths, photographs(230), strict=True):
        write_png(path, image)
    batch = 16 if DEVICE.type == "cuda" else 1
    own = {"architecture": "RN50-quickgelu", "pretrained": None, "steps": 2, "batch": batch, "log_every": 1}
    methods.train("qualiclip", paths, tmp_path / "m", seed=0, settings=own)
    curve = pd.read_csv(tmp_path / "m" / "curve.csv")
    assert len(curve) == 2
    assert curve["loss"].gt(0).all()
    assert all(value.isfinite().all() for value in load_file(tmp_path / "m" / "weights.safetensors").values())
