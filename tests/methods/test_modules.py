"""Methods as torch modules: gradients, precision, modes; and two conventions that cannot be confused."""

import ast
import copy
import pickle
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.transforms import Normalize

import hubconf
import methods
from experiments.runs.closure import closure
from methods._hub import ARNIQA, QualiCLIP
from tests.reference import arniqa as official

TOP = Path(__file__).parents[2]
SMALL = TOP / "methods/qualiclip_small/weights.safetensors"
CLIP = Normalize((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
IMAGENET = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def pictures(count=2, height=48, width=40, low=0, high=255):
    """Pictures of 8 bits with some of the levels from `low` to `high`."""
    draw = torch.Generator().manual_seed(7)
    return torch.randint(low, high + 1, (count, 3, height, width), generator=draw) / 255


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    encoder, regressor = official.write_files(tmp_path_factory.mktemp("small"), official.tiny)
    return {"encoder": encoder, "regressor": regressor}


@pytest.fixture
def arniqa_files(written, narrow_resnets):
    return written


@pytest.fixture(scope="module")
def clip():
    return methods.load("clipiqa", architecture="small", pretrained=None)


@pytest.fixture(params=["clipiqa", "arniqa"])
def module(request, arniqa_files):
    """A small network of either kind, not shared with another test."""
    if request.param == "clipiqa":
        return methods.load("clipiqa", architecture="small", pretrained=None).as_module()
    return methods.load("arniqa", **arniqa_files).as_module()


def test_gradients_are_those_of_differences(module):
    """Of the whole network in double precision, along random directions."""
    images = (pictures(1, 36, 33).double() * 0.9 + 0.05).requires_grad_()
    assert torch.autograd.gradcheck(module.double(), images, fast_mode=True, eps=1e-7, atol=1e-5)


def test_a_module_stays_in_evaluation_mode_whatever_is_around_it(module):
    around = nn.Sequential(module)
    expected = module(pictures())
    around.train()
    assert torch.equal(around(pictures()), expected)
    assert not module.training
    assert around.training


def test_lower_precision_is_close_and_gives_single(module):
    expected = module(pictures())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lower = module(pictures())
    assert lower.dtype == torch.float32
    torch.testing.assert_close(lower, expected, atol=0.05, rtol=0)
    half = module.half()(pictures())
    torch.testing.assert_close(half.float(), expected, atol=0.02, rtol=0)
    assert {p.dtype for p in module.parameters()} == {torch.float16}


def test_weights_are_in_the_state_and_go_with_copies(module):
    expected = module(pictures())
    state = {name: value.clone() for name, value in module.state_dict().items()}
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(twin(pictures()), expected)
    with torch.no_grad():
        for weights in module.parameters():
            weights.mul_(1.1)
    assert not torch.equal(module(pictures()), expected)
    module.load_state_dict(state)
    assert torch.equal(module(pictures()), expected)


def test_a_module_is_a_method(clip):
    module = clip.as_module()
    assert (module.name, module.higher_is_better) == ("clipiqa", True)
    torch.testing.assert_close(module.score(pictures()), clip.score(pictures()), atol=1e-6, rtol=0)
    assert not module.score(pictures()).requires_grad


def test_a_method_without_gradients_says_so():
    method = methods.load("sharpness")
    module = method.as_module()
    assert torch.equal(module(pictures()), method.score(pictures()))
    images = pictures().requires_grad_()
    with pytest.raises(ValueError, match=r"sharpness gives no gradients .*torch\.no_grad\(\).*qualiclip"):
        module(images)
    with torch.no_grad():
        assert module(images).shape == (2,)


def test_a_picture_rises_within_a_bound_of_its_variation():
    """The example of docs/coming-from.md."""
    loss = methods.load("qualiclip-small").as_module().requires_grad_(False)
    start = torch.nn.functional.avg_pool2d(pictures(1, 96, 96), 3, 1, 1)

    def variation(x):
        return x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()

    before = variation(start)
    bound, x = 1.1 * before, start.clone().requires_grad_()
    steps = torch.optim.Adam([x], lr=1 / 255)
    for _ in range(12):
        steps.zero_grad()
        (-loss(x).mean()).backward()
        steps.step()
        with torch.no_grad():
            over = variation(x) - before
            share = ((bound - before) / over).clamp(max=1) if over > 0 else 1.0
            x.copy_((start + share * (x - start)).clamp(0, 1))
    assert variation(x) <= bound * (1 + 1e-5)
    assert loss(x).item() > 1.5 * loss(start).item()


def test_the_hub_takes_what_its_readme_prepares_and_nothing_else():
    model, module = QualiCLIP(weights=SMALL), methods.load("qualiclip", weights=SMALL).as_module()
    torch.testing.assert_close(model(CLIP(pictures())), module(pictures()), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match=r"all values lie in \[0, 1\].*load\('qualiclip'\)\.as_module"):
        model(pictures())
    for wrong in (pictures() * 255, IMAGENET(pictures()), CLIP(CLIP(pictures())), pictures() * 2 - 1.9):
        with pytest.raises(ValueError, match="stand for pixels from"):
            model(wrong)
    with pytest.raises(ValueError, match="NaN or infinite"):
        model(CLIP(pictures()) * float("nan"))
    with pytest.raises(ValueError, match=r"\[B, 3, H, W\] of floats, not \[3, 48, 40\]"):
        model(CLIP(pictures())[0])
    with pytest.raises(ValueError, match="already normalised"):
        module(CLIP(pictures()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_pale_picture_is_told_from_one_that_was_not_normalised(dtype):
    """Normalised, pixels from 130 to 170 all lie in [0, 1]."""
    model = QualiCLIP(weights=SMALL).to(dtype)
    pale = CLIP(pictures(low=130, high=170)).to(dtype)
    assert pale.min() >= 0
    assert pale.max() <= 1
    assert model(pale).shape == (2,)
    for plain in (pictures(), torch.zeros(1, 3, 40, 40), torch.ones(1, 3, 40, 40), torch.rand(1, 3, 40, 40)):
        with pytest.raises(ValueError, match="all values lie in"):
            model(plain.to(dtype))


def test_the_hubs_arniqa_asks_for_both_scales(arniqa_files):
    model = ARNIQA(**arniqa_files)
    full, halved = IMAGENET(pictures(2, 64, 64)), IMAGENET(pictures(2, 32, 32))
    score, embedding = model(full, halved, return_embedding=True)
    assert (score.shape, embedding.shape) == ((2,), (2, 256))
    assert torch.equal(model(full, halved), score)
    torch.testing.assert_close(model(full, halved, scale_score=False), 4 * score + 1)  # kadid10k: 1 to 5
    for scales in ((pictures(), halved), (full, pictures())):
        with pytest.raises(ValueError, match=r"ImageNet's normalisation.*load\('arniqa'\)"):
            model(*scales)
    for scales in ((full, full), (halved, full), (full, halved[:1]), (full, halved.mT[..., :30])):
        with pytest.raises(ValueError, match="img_ds must be img at half scale"):
            model(*scales)
    for odd in (32, 33):  # of 65 pixels, whichever way they are rounded
        assert model(IMAGENET(pictures(2, 65, 64)), IMAGENET(pictures(2, odd, 32))).shape == (2,)
    with pytest.raises(ValueError, match="did you mean 'koniq10k'"):
        ARNIQA(regressor_dataset="koniq", **arniqa_files)


def test_the_hub_says_which_packages_it_needs():
    files = closure("methods._hub", "methods.qualiclip", "methods.arniqa")
    files += TOP.glob("benchmark/files/*.py")
    imported = set()
    for node in (node for file in files for node in ast.parse(file.read_text()).body):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add(node.module.partition(".")[0])
    assert imported - set(sys.stdlib_module_names) - {"benchmark", "methods"} == set(hubconf.dependencies)


def test_the_hub_lists_every_method_under_both_spellings():
    # As torch.hub.list looks, which wants an address.
    entries = {name for name in dir(hubconf) if callable(getattr(hubconf, name)) and not name.startswith("_")}
    assert {"QualiCLIP", "ARNIQA", "qualiclip-small", "qualiclip_small", "sharpness"} < entries
    assert {name.replace("-", "_") for name in entries} == {*methods.names(), "QualiCLIP", "ARNIQA"}
    assert "RGB in [0, 1]" in getattr(hubconf, "qualiclip-small").__doc__
    model = torch.hub.load(str(TOP), "qualiclip-small", source="local")
    own = methods.load("qualiclip-small")
    torch.testing.assert_close(model(pictures()), own.score(pictures()), atol=1e-6, rtol=0)
    assert isinstance(model, nn.Module)
