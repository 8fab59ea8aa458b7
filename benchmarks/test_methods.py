"""Milliseconds that each method takes for one picture of 512 x 384 on two threads, the median of seven.

    pytest benchmarks/test_methods.py --benchmark-only

fills the last column of docs/methods.md: it ends with a line ``name ms`` for each method. Networks have the
published sizes and random weights, which take no less time; what is fitted to pristine pictures is drawn.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests/ is no installed package

import methods
from benchmark.datasets.dead_leaves import dead_leaves
from methods._shared.arniqa.features import load_features
from methods._shared.pristine import ou
from methods.brisque import fit_regressor
from tests.reference import arniqa as official_arniqa
from tests.reference import clip_rivals, contrastive
from tests.reference import dubma as plain_dubma
from tests.reference.clip_state import random_clip
from tests.rehearsal import weights

HEIGHT, WIDTH, THREADS, ROUNDS = 384, 512, 2, 7
#: Their features of the whole picture are measured: they have no score without pristine pictures.
FEATURES = {"contrique", "encoder", "reiqa"}


def published(name, write, file="weights.pth", **more):
    """Load a method from a file of the published layout with random values."""

    def make(at):
        write(at / file)
        return methods.load(name, weights=str(at / file), **{key: own(at) for key, own in more.items()})

    return make


def rn50(at):
    weights.clip_file(at / "RN50.safetensors")
    return str(at / "RN50.safetensors")


def qualiclip_file(at):
    weights.qualiclip_file(at / "qualiclip.pth")
    return str(at / "qualiclip.pth")


def far_from_nothing(encoder, width):
    """Return the distance from pristine features of mean 0 and covariance 1."""
    return ou.OpinionUnaware(encoder, torch.zeros(width).double(), torch.eye(width).double())


def brisque(at):
    random = np.random.default_rng(0)
    features, opinions = random.normal(size=(100, 36)), random.normal(size=100)
    fit_regressor(features, opinions, at / "svr.npz", higher_is_better=True)
    return methods.load("brisque", regressor=str(at / "svr.npz"))


def arniqa(at):
    encoder, regressor = official_arniqa.write_files(at)
    return methods.load("arniqa", encoder=str(encoder), regressor=str(regressor))


def arniqa_ou(at):
    encoder, _ = official_arniqa.write_files(at)
    return far_from_nothing(load_features(encoder), 4096)


def reiqa(at):
    for name in ("quality", "content"):
        contrastive.write_reiqa(at / name, name)
    return methods.load("reiqa", quality=str(at / "quality"), content=str(at / "content"))


def grepq(at):
    low, high, _ = clip_rivals.write_grepq(at, torchvision.models.resnet18)
    tuned = {name: value.half() for name, value in random_clip(2, weights.TEXT).items()}
    torch.save({k.removeprefix("visual."): v for k, v in tuned.items() if k.startswith("visual.")}, high)
    ou.write(far_from_nothing(None, 128), at / "pristine.npz")
    return methods.load(
        "grepq", low=str(low), high=str(high), pristine=str(at / "pristine.npz"), pretrained=rn50(at)
    )


def mdfs(at):
    torch.save(0.3 * torch.randn(900, 544), at / "MDFS_weights.pth")
    return methods.load("mdfs", pristine=str(at / "MDFS_weights.pth"), weights=None)


MAKERS = {
    "arniqa": arniqa,
    "arniqa_ou": arniqa_ou,
    "brisque": brisque,
    "clipiqa": published("clipiqa", weights.clip_file),
    "clipiqa_plus": published("clipiqa_plus", weights.clipiqa_plus_file, pretrained=rn50),
    "contrique": published("contrique", contrastive.write_contrique),
    "dubma": published("dubma", plain_dubma.write, adapted_to=lambda at: None),
    "encoder": lambda at: methods.load("encoder", model="resnet50", weights=None),
    "grepq": grepq,
    "ilniqe": published("ilniqe", weights.ilniqe_file, "templateModel.mat"),
    "maclip": published("maclip", weights.clip_file),
    "mdfs": mdfs,
    "niqe": published("niqe", weights.niqe_file, "modelparameters.mat"),
    "qualiclip": published("qualiclip", weights.qualiclip_file),
    "qualiclip_plus": published("qualiclip_plus", weights.qualiclip_plus_file, encoder=qualiclip_file),
    "qualiclip_small": lambda at: methods.load("qualiclip_small"),
    "reiqa": reiqa,
    "sharpness": lambda at: methods.load("sharpness"),
}


@pytest.fixture(scope="module", autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


class Medians(dict):
    """Milliseconds by the method's name, printed below all else."""

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.write_line(f"medians of {ROUNDS}, load {os.getloadavg()[0]:.1f} at the end")
        for name, value in self.items():
            terminalreporter.write_line(f"{name} {float(f'{value:.2g}'):,g}")


@pytest.fixture(scope="module")
def milliseconds(pytestconfig):
    found = Medians()
    pytestconfig.pluginmanager.register(found)
    return found


@pytest.fixture(scope="module")
def picture():
    return dead_leaves(WIDTH, 0)[None, :, :HEIGHT].contiguous()


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_one_picture(benchmark, milliseconds, picture, name):
    with tempfile.TemporaryDirectory() as folder:
        method = MAKERS[name](Path(folder))
    measured = method.features if name in FEATURES else method.score
    found = benchmark.pedantic(measured, args=(picture,), rounds=ROUNDS, warmup_rounds=1)
    assert len(found) == 1
    assert found.isfinite().all()
    milliseconds[name] = 1e3 * benchmark.stats["median"]
