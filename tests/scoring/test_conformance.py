"""Every method keeps the promises of `benchmark.scoring.conformance`, and every broken promise is found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from PIL import Image
from torch import nn

import methods
from benchmark.datasets import COLUMNS, Dataset, Record
from benchmark.method import Card, NoScores, check_scores, has_features, has_gradients
from benchmark.scoring.conformance import assert_conforms, check_method, pictures
from methods._shared.clip.encoder import SMALL
from tests.reference import arniqa as official_arniqa
from tests.reference import clip_rivals, contrastive
from tests.reference import dubma as plain_dubma

SMALL_CLIP = {"architecture": "small", "pretrained": None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    at = tmp_path_factory.mktemp("pristine")
    for name in ("coffee", "astronaut", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()[:200, :300]).save(at / f"{name}.png")
    return at


def trained(name, folder, tmp_path, **settings):
    learnt = methods.train(name, sorted(folder.iterdir()), tmp_path / name, seed=0, settings=settings)
    return methods.load(name, **learnt)


def brisque(folder, tmp_path):
    random = np.random.default_rng(0)
    features = methods.load("brisque").features(pictures(96, 96)).numpy()
    features = features[0] + random.normal(size=(12, features.shape[1])) * np.ptp(features, axis=0)
    path = tmp_path / "svr.npz"
    methods.brisque.fit_regressor(features, random.normal(size=12), path, higher_is_better=True)
    return methods.load("brisque", regressor=str(path))


def arniqa(folder, tmp_path):
    encoder, regressor = official_arniqa.write_files(tmp_path, official_arniqa.tiny)
    return methods.load("arniqa", encoder=str(encoder), regressor=str(regressor))


def arniqa_ou(folder, tmp_path):
    encoder, _ = official_arniqa.write_files(tmp_path, official_arniqa.tiny)
    return trained("arniqa_ou", folder, tmp_path, encoder=str(encoder))


def contrique(folder, tmp_path):
    path = tmp_path / "contrique.tar"
    contrastive.write_contrique(path, official_arniqa.tiny)
    return trained("contrique", folder, tmp_path, weights=str(path))


def reiqa(folder, tmp_path):
    paths = {name: tmp_path / f"{name}.pth" for name in ("quality", "content")}
    for name, path in paths.items():
        contrastive.write_reiqa(path, name, official_arniqa.tiny)
    return trained("reiqa", folder, tmp_path, **{name: str(path) for name, path in paths.items()})


def grepq(folder, tmp_path):
    low, high, _ = clip_rivals.write_grepq(tmp_path)
    made = methods.train(
        "grepq", sorted(folder.iterdir()), tmp_path, seed=0, settings={"low": str(low), "high": str(high)}
    )
    return methods.load("grepq", **made, **SMALL_CLIP)


def dubma(folder, tmp_path):
    plain_dubma.write(tmp_path / "dubma.pt", official_arniqa.tiny)
    return methods.load("dubma", weights=str(tmp_path / "dubma.pt"), adapted_to=None)


def mdfs(folder, tmp_path):
    torch.save(0.3 * torch.randn(900, 272), tmp_path / "MDFS_weights.pth")
    settings = {"model": "efficientnet_b0", "weights": None}
    return methods.load("mdfs", pristine=str(tmp_path / "MDFS_weights.pth"), **settings)


def learnt_prompts(name):
    def make(folder, tmp_path):
        record = Record(name="toy", title="Toy", citation="", licence="", score_name="mos", low=0.0, high=9.0,
                        higher_is_better=True, rated_by="people")  # fmt: skip
        rows = pd.DataFrame({"image": sorted(p.name for p in folder.iterdir()), "mos": [1.0, 5.0, 9.0]})
        rated = Dataset(record, folder, rows.reindex(columns=list(COLUMNS)))
        settings = {"steps": 1, "batch": 2, "crop": 48, "optimizer": "adam"}
        if name == "qualiclip_plus":
            own = {"steps": 0, **SMALL_CLIP}
            base = methods.train("qualiclip", sorted(folder.iterdir()), tmp_path / "b", seed=0, settings=own)
            settings["encoder"] = base["weights"]
        else:
            settings |= SMALL_CLIP
        return methods.load(
            name, **methods.train(name, [], tmp_path / name, seed=0, settings=settings, rated=rated)
        )

    return make


METHODS = {
    "clipiqa_plus": learnt_prompts("clipiqa_plus"),
    "qualiclip_plus": learnt_prompts("qualiclip_plus"),
    "arniqa": arniqa,
    "arniqa_ou": arniqa_ou,
    "contrique": contrique,
    "reiqa": reiqa,
    "grepq": grepq,
    "dubma": dubma,
    "mdfs": mdfs,
    "maclip": lambda folder, tmp_path: methods.load("maclip", **SMALL_CLIP),
    "encoder": lambda folder, tmp_path: trained(
        "encoder", folder, tmp_path, library="timm", model="test_resnet", weights=None
    ),
    "sharpness": lambda folder, tmp_path: methods.load("sharpness"),
    "niqe": lambda folder, tmp_path: trained("niqe", folder, tmp_path, patch=32, sharpness=0.5),
    "ilniqe": lambda folder, tmp_path: trained("ilniqe", folder, tmp_path, sharpness=0.2),
    "brisque": brisque,
    "clipiqa": lambda folder, tmp_path: methods.load("clipiqa", **SMALL_CLIP),
    "qualiclip_small": lambda folder, tmp_path: methods.load("qualiclip-small"),
    "qualiclip": lambda folder, tmp_path: trained("qualiclip", folder, tmp_path, steps=0, **SMALL_CLIP),
}


def test_every_method_of_the_folder_is_checked():
    # An optional extra and one that needs an endpoint: test_pyiqa and tests/methods/vlm check what they give.
    elsewhere = {"pyiqa", "vlm"}
    assert set(METHODS) | elsewhere == set(methods.names())


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "ilniqe")) for name in sorted(METHODS)],
)
def test_methods_keep_their_promises(name, folder, tmp_path, monkeypatch):
    official_arniqa.narrow(monkeypatch)
    monkeypatch.setitem(SMALL["text_cfg"], "width", 16)
    method = METHODS[name](folder, tmp_path)
    assert_conforms(method, getattr(method, "card", methods.card(name)))
    for part in {"score", "features", "cam_module"} & set(dir(method)):
        with pytest.raises(ValueError, match="divide by 255"):
            getattr(method, part)(pictures(96, 96) * 255)


CARD = Card(
    title="Contrast", paper="", licence="no weights", training_data="none", opinion_aware=False, low=0.0,
    high=1.0, input="whole image",
)  # fmt: skip


class Contrast(nn.Module):
    """A method without fault, for the others to spoil."""

    name = "contrast"
    higher_is_better = True
    cam_targets = ("score",)

    def __init__(self):
        super().__init__()
        self.cam_module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), Sum())
        self.cam_layer = self.cam_module[0]

    def score(self, images):
        return images.std(dim=(1, 2, 3))

    def features(self, images):
        return torch.stack([images.std(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3))], 1)


class Sum(nn.Module):
    def forward(self, x):
        return x.sum(1, keepdim=True)


class Column(Contrast):
    def score(self, images):
        return super().score(images)[:, None]


class Precise(Contrast):
    def score(self, images):
        return super().score(images).double()


class Blind(Contrast):
    def score(self, images):
        return images.new_zeros(len(images))


class Noisy(Contrast):
    def score(self, images):
        return super().score(images) + 1e-3 * torch.rand(len(images))


class Greedy(Contrast):
    def score(self, images):
        return super().score(images.mul_(0.5))


class Social(Contrast):
    def score(self, images):
        return super().score(images) / len(images)


class Square(Contrast):
    def score(self, images):
        if images.shape[2] != 128:
            raise ValueError("contrast: only 128 pixels high")
        return super().score(images)


class Fragile(Contrast):
    def score(self, images):
        assert min(images.shape[2:]) > 8
        return super().score(images)


class Undefined(Contrast):
    def score(self, images):
        return torch.log(images.std(dim=(1, 2, 3)) * 8).clamp(max=1)


class Mute(Contrast):
    def score(self, images):
        if min(images.shape[2:]) < 8:
            raise ValueError
        return super().score(images)


class Flat(Contrast):
    def features(self, images):
        return images.mean(dim=(1, 2, 3))


class SharedFeatures(Contrast):
    def features(self, images):
        return super().features(images) - super().features(images).mean(0)


class Apart(Contrast):
    def __init__(self):
        super().__init__()
        self.cam_layer = nn.Conv2d(3, 4, 3)


class Deaf(Contrast):
    def __init__(self):
        super().__init__()
        self.cam_module.requires_grad_(False)
        self.cam_module.forward = lambda x: (self.cam_layer(x).sum((1, 2, 3)) * 0)[:, None]


class Wide(Contrast):
    cam_targets = ("score", "positive")


class Upside(Contrast):
    higher_is_better = False


BROKEN = [
    (Column, "scores", r"shape \[2, 1\], not \[2\]"),
    (Precise, "scores", "float32 on the CPU"),
    (Blind, "scores", "same score"),
    (Noisy, "repeatable", "draw nothing at random"),
    (Greedy, "input kept", "changes the pictures"),
    (Social, "alone as in a batch", "differ by"),
    (Square, "sizes", "only 128 pixels high"),
    (Fragile, "what it cannot score", "1x1 raises AssertionError"),
    (Undefined, "what it cannot score", "black picture of 160x128 gives"),
    (Mute, "what it cannot score", "without a word"),
    (Flat, "features", r"must return \[B, D\]"),
    (SharedFeatures, "features", "alone and in a batch"),
    (Apart, "gradients", "no part of `cam_module`"),
    (Deaf, "gradients", "'score' has no gradient"),
    (Wide, "gradients", "a column a target"),
    (Upside, "card", "higher_is_better"),
]


@pytest.mark.filterwarnings("ignore:std")
@pytest.mark.parametrize(("method", "check", "words"), BROKEN, ids=lambda part: getattr(part, "__name__", ""))
def test_a_broken_promise_is_named(method, check, words):
    with pytest.raises(AssertionError, match=f"{check}: .*{words}"):
        assert_conforms(method(), CARD)


def test_what_a_torch_module_was_given_by_assignment_counts_as_its_own():
    """Python 3.12 and later look for it in other places than 3.11."""
    method = Contrast()
    assert has_gradients(method)
    assert has_features(method)
    del method.cam_layer
    assert not has_gradients(method)
    encoder = nn.Module()
    encoder.features = nn.Sequential()
    assert has_features(encoder)


@pytest.mark.filterwarnings("ignore:std")
def test_only_the_broken_promise_is_named():
    wrong = [finding.check for finding in check_method(Noisy(), replace(CARD, low=-1.0)) if finding.problem]
    assert "repeatable" in wrong
    assert not {"card", "scores", "range", "input kept", "sizes", "gradients"} & set(wrong)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": " "}, "title"),
        ({"licence": None}, "licence"),
        ({"low": 1.0}, "low must lie below high"),
        ({"opinion_aware": "no"}, "opinion_aware"),
        ({"opinion_aware": True, "opinions_of": "konig10k"}, "did you mean 'koniq10k'"),
    ],
)
def test_an_incomplete_card_is_named(change, words):
    found = check_method(Contrast(), replace(CARD, **change))
    assert words in found[0].problem


def test_a_score_outside_the_range_of_the_card_is_named():
    found = {f.check: f.problem for f in check_method(Contrast(), replace(CARD, high=0.01))}
    assert "leave the range" in found["range"]


def test_what_is_asked_for_must_be_there():
    class Plain:
        name = "plain"
        higher_is_better = True
        score = Contrast.score

    with pytest.raises(AssertionError, match="features: the method has no") as caught:
        assert_conforms(Plain(), CARD, features=True, gradients=True)
    assert "gradients: the method lacks one of" in str(caught.value)


class Described(Contrast):
    """Has features alone, and says so."""

    no_scores = "set `regressor`"

    def score(self, images):
        raise NoScores(self.no_scores)


class Cropped(Described):
    """Describes each picture by as many numbers as it has rows."""

    def features(self, images):
        return images.mean((1, 3))


class Silent:
    """Has no features either."""

    name, higher_is_better = "silent", True

    def score(self, images):
        raise NoScores("set `regressor`")


def test_of_a_method_that_has_features_alone_these_are_checked():
    found = check_method(Described(), CARD)
    assert [one.check for one in found] == [
        "card",
        "no scores of its own",
        "features",
        "features of any size",
    ]
    assert not [one for one in found if one.problem]
    wrong = {one.check: one.problem for one in check_method(Cropped(), CARD) if one.problem}
    assert list(wrong) == ["features of any size"]
    assert "128x160 gives features of the shape [1, 160]" in wrong["features of any size"]
    with pytest.raises(NoScores, match="set `regressor`"):
        check_scores(Described())
    check_scores(Contrast())
    neither = check_method(Silent(), CARD)
    assert [one.check for one in neither] == ["card", "scores"]
    assert "NoScores: set `regressor`" in neither[-1].problem


def test_what_a_method_says_before_pictures_are_read_and_what_it_does_must_agree():
    class Late(Contrast):
        score = Silent.score

    class Early(Contrast):
        no_scores = "set `regressor`"

    for method, check, words in (
        (Late(), "no scores of its own", "there is no `no_scores`"),
        (Early(), "scores", "score() does not raise NoScores"),
    ):
        found = check_method(method, CARD)
        assert [(one.check, bool(one.problem)) for one in found] == [("card", False), (check, True)]
        assert words in found[-1].problem
