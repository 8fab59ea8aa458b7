"""GRepQ: the authors' files in their own layout, and the score by its formula over plainly written parts."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import methods
from benchmark.scoring.conformance import check_method
from methods._shared.pristine import ou
from tests.reference import arniqa, clip_rivals

CLIP = {"architecture": "small", "pretrained": None}


def tensor(height, width):
    return torch.from_numpy(arniqa.picture(height, width)).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    low, high, state = clip_rivals.write_grepq(tmp_path_factory.mktemp("grepq"))
    return {"low": str(low), "high": str(high)}, state


@pytest.fixture
def files(written, narrow_resnets):
    return written


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    at = tmp_path_factory.mktemp("pristine")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(data, name)()[:200, :300]).save(at / f"{name}.png")
    return at


@pytest.fixture(scope="module")
def tuned():
    """CLIP as the file of the high level holds it, in half precision, and the prompts of that it began as."""
    model = clip_rivals.clip(2)
    with torch.no_grad():
        for value in model.visual.state_dict().values():
            if value.is_floating_point():
                value.copy_(value.half().float())
    return model, clip_rivals.read(clip_rivals.clip(0), ["A good photo.", "A bad photo."])


def test_the_score_is_that_of_the_formula_over_the_authors_patches(files, tuned, tmp_path):
    h5py = pytest.importorskip("h5py")
    (given, state), image = files, tensor(200, 260)
    chosen = clip_rivals.patches(tensor(480, 960), 96)
    with h5py.File(tmp_path / "pristine_patches_096_0.75_0.80.hdf5", "w") as file:
        file.create_dataset("data", data=chosen.numpy())
    given = {**given, **CLIP, "pristine": str(tmp_path / "pristine_patches_096_0.75_0.80.hdf5")}
    method = methods.load("grepq", **given)
    assert method.score(image[None]).item() == pytest.approx(
        clip_rivals.grepq(state, *tuned, chosen, image), abs=1e-5
    )
    assert method.card.exposure[-1].what.startswith("the authors' pristine patches")


def test_the_score_is_that_of_the_formula_over_patches_fitted_here(files, tuned, pristine, monkeypatch):
    (given, state), image = files, tensor(160, 224)
    chosen = []
    cut = ou.pristine_patches
    monkeypatch.setattr(ou, "pristine_patches", lambda *a: chosen.append(cut(*a)) or chosen[-1])
    method = methods.load("grepq", pristine=str(pristine), **given, **CLIP)
    expected = clip_rivals.grepq(state, *tuned, torch.cat(chosen), image)
    assert method.score(image[None]).item() == pytest.approx(expected, abs=1e-5)


def test_features_are_those_of_both_models_of_the_whole_picture(files, tuned):
    (given, state), image = files, tensor(131, 197)
    found = methods.load("grepq", **given, **CLIP).features(image[None])[0].double().numpy()
    expected = [clip_rivals.embed(tuned[0], image), clip_rivals.low_features(state, image[None])[0]]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-5)


def test_it_keeps_every_promise_and_training_gives_the_same(files, pristine, tmp_path):
    given = files[0]
    method = methods.load("grepq", pristine=str(pristine), **given, **CLIP)
    assert [f for f in check_method(method, method.card, features=True) if f.problem] == []
    made = methods.train("grepq", sorted(pristine.iterdir()), tmp_path / "out", seed=0, settings=given)
    image = tensor(200, 200)[None]
    torch.testing.assert_close(methods.load("grepq", **made, **CLIP).score(image), method.score(image))


def test_without_pristine_pictures_there_are_features_alone(files):
    with pytest.raises(ValueError, match="grepq: its low-level score is a distance from pristine pictures"):
        methods.load("grepq", **files[0], **CLIP).score(tensor(128, 128)[None])


def test_files_of_another_kind_are_refused(files, tmp_path):
    given = files[0]
    with pytest.raises(ValueError, match=r"high_level_model_weights\.pth is no low-level model of GRepQ"):
        methods.load("grepq", low=given["high"], high=given["high"], **CLIP)
    with pytest.raises(ValueError, match=r"low_level_model_weights\.tar is no high-level model of GRepQ"):
        methods.load("grepq", low=given["low"], high=given["low"], **CLIP)
    (tmp_path / "patches.hdf5").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"patches\.hdf5(: h5py is not installed| holds no patches)"):
        methods.load("grepq", **given, **CLIP, pristine=str(tmp_path / "patches.hdf5"))
