"""Published checkpoints: the scores of the authors' own code, on random weights in their layout."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import transforms

import methods
from tests.reference.arniqa import SIZES, picture
from tests.reference.clip_state import (
    SMALL,
    open_clip_config,
    pictures,
    random_clip,
    random_context,
    random_prompts_features,
)

TOP = Path(__file__).parents[2]
GOLDEN = json.loads((Path(__file__).parent / "golden" / "clip.json").read_text())["scores"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files as they are published."""
    folder = tmp_path_factory.mktemp("published")
    clip = random_clip(1, image=SMALL)
    torch.save(clip, folder / "RN50.pt")
    official = {f"clip_model.{k}": v for k, v in clip.items()}
    official["prompts_features"] = random_prompts_features(2, image=SMALL)
    torch.save(official, folder / "qualiclip.pth")
    torch.save(random_context(3), folder / "clipiqa_plus.pth")
    torch.save({"params": {"prompt_learner.ctx": random_context(4, 14)}}, folder / "qualiclip_plus.pth")
    return folder


@pytest.fixture(autouse=True)
def small_towers(monkeypatch):
    """OpenAI's RN50 with the reference's small towers: files and scores of the whole take seconds."""
    import open_clip.factory

    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "RN50-quickgelu", open_clip_config())


def scores(method):
    return [method.score(images).numpy() for images in pictures()]


def check_agreement(found, golden):
    for a, b in zip(found, golden, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("scale", "name"), [(None, "qualiclip"), ("pyiqa", "pyiqa_qualiclip")])
def test_qualiclip(files, scale, name):
    method = methods.load("qualiclip", weights=str(files / "qualiclip.pth"), scale=scale)
    check_agreement(scores(method), GOLDEN[name])
    assert method.card.licence == "CC BY-NC 4.0"


@pytest.fixture
def hub_qualiclip(files, tmp_path, monkeypatch):
    """The authors' line with another repository's name; their checkpoint is in the cache."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "qualiclip.pth").symlink_to(files / "qualiclip.pth")
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    return torch.hub.load(repo_or_dir=str(TOP), source="local", model="QualiCLIP")


def test_the_readme_of_qualiclip_gives_the_authors_scores(hub_qualiclip, tmp_path):
    device = torch.device("cuda") if torch.cuda.is_available() else "cpu"
    hub_qualiclip.eval().to(device)
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    preprocess = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    for size, expected in zip(SIZES, GOLDEN["qualiclip_readme"], strict=True):
        Image.fromarray(picture(*size)).save(tmp_path / "a.png")
        img = preprocess(Image.open(tmp_path / "a.png").convert("RGB")).unsqueeze(0).to(device)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # torch's own words about this way to ask for autocast
            with torch.cuda.amp.autocast():
                score = hub_qualiclip(img)
        assert score.item() == pytest.approx(expected, abs=1e-5)
    batches = [transforms.Normalize(mean, std)(images) for images in pictures()]
    with torch.no_grad():
        check_agreement([hub_qualiclip(batch).numpy() for batch in batches], GOLDEN["qualiclip"])


def test_a_module_scores_as_the_authors_code_does(files):
    module = methods.load("qualiclip", weights=files / "qualiclip.pth").as_module()
    with torch.no_grad():
        check_agreement([module(images).numpy() for images in pictures()], GOLDEN["qualiclip"])


def test_clipiqa_and_the_five_pairs_of_pyiqa(files):
    weights = str(files / "RN50.pt")
    check_agreement(scores(methods.load("clipiqa", weights=weights)), GOLDEN["clipiqa"])
    check_agreement(
        scores(methods.load("clipiqa", weights=weights, prompts="pyiqa")), GOLDEN["pyiqa_clipiqa"]
    )


def test_attributes_of_clipiqa(files):
    from methods._shared.clip.antonyms import ATTRIBUTES

    method = methods.load(
        "clipiqa", weights=str(files / "RN50.pt"), prompts=[list(p) for p in ATTRIBUTES.values()]
    )
    check_agreement([method.probabilities(images).numpy() for images in pictures()], GOLDEN["attributes"])
    noisy = methods.load("clipiqa", weights=str(files / "RN50.pt"), prompts="noisiness")
    check_agreement(scores(noisy), [[row[2] for row in rows] for rows in GOLDEN["attributes"]])
    assert not noisy.higher_is_better
    assert not noisy.card.higher_is_better


@pytest.mark.parametrize("layout", ["tensor", "pyiqa", "authors"])
def test_clipiqa_plus(files, tmp_path, layout):
    context = random_context(3)
    path = tmp_path / "ctx.pth"
    if layout == "tensor":
        torch.save(torch.nn.Parameter(context), path)
    elif layout == "pyiqa":
        torch.save({"params": {"prompt_learner.ctx": context.expand(2, -1, -1).clone()}}, path)
    else:
        prefix = "generator.clipmodel_0.prompt_learner."
        whole = {f"{prefix}clip_model.{k}": v for k, v in random_clip(1, image=SMALL).items()} | {
            f"{prefix}ctx": context
        }
        torch.save({"meta": {"iter": 80000, "time": "today"}, "state_dict": whole}, path)
    backbone = None if layout == "authors" else str(files / "RN50.pt")
    check_agreement(
        scores(methods.load("clipiqa_plus", weights=str(path), pretrained=backbone)), GOLDEN["clipiqa_plus"]
    )
    assert GOLDEN["clipiqa_plus"] == GOLDEN["pyiqa_clipiqa_plus"]


def test_qualiclip_plus(files):
    method = methods.load(
        "qualiclip_plus", weights=str(files / "qualiclip_plus.pth"), encoder=str(files / "qualiclip.pth")
    )
    check_agreement(scores(method), GOLDEN["pyiqa_qualiclip_plus"])


def test_published_prompts_of_another_data_set_than_told_are_refused(files, tmp_path):
    """By the card figures on that data set are marked as learnt."""
    path = str(shutil.copy(files / "qualiclip_plus.pth", tmp_path / "QualiCLIP+_spaq.pth"))
    told = {"weights": path, "encoder": str(files / "qualiclip.pth")}
    with pytest.raises(ValueError, match="is of spaq by its name, and dataset='koniq10k'"):
        methods.load("qualiclip_plus", **told)
    assert methods.load("qualiclip_plus", **told, dataset="spaq").card.opinions_of == "spaq"


def test_the_published_clip_in_safetensors_and_torchscript_scores_the_same(files, tmp_path):
    state = random_clip(1, image=SMALL)
    save_file(state, tmp_path / "RN50.safetensors")
    holder = torch.nn.Module()
    for name, tensor in state.items():
        place = holder
        *path, last = name.split(".")
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, torch.nn.Module())
            place = getattr(place, part)
        place.register_buffer(last, tensor.half() if tensor.is_floating_point() else tensor)
    holder.register_buffer("input_resolution", torch.tensor(224))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(holder).save(str(tmp_path / "RN50.pt"))
    expected = methods.load("clipiqa", weights=str(files / "RN50.pt")).score(pictures()[0])
    for file in ("RN50.safetensors", "RN50.pt"):
        found = methods.load("clipiqa", weights=str(tmp_path / file)).score(pictures()[0])
        assert torch.equal(found, expected), file


def test_prompts_of_the_official_checkpoint_can_be_replaced(files):
    scale = float(random_clip(1, image=SMALL)["logit_scale"].exp())
    good = methods.load("qualiclip", weights=str(files / "qualiclip.pth"), prompts="clipiqa", scale=scale)
    check_agreement(scores(good), GOLDEN["clipiqa"])


def test_what_does_not_fit_is_refused_before_anything_runs(files, tmp_path):
    state = torch.load(files / "qualiclip.pth", weights_only=True)
    torch.save({k: v for k, v in state.items() if k != "prompts_features"}, tmp_path / "no_prompts.pth")
    with pytest.raises(ValueError, match=r"no_prompts\.pth: prompts_features must be .*found none"):
        methods.load("qualiclip", weights=str(tmp_path / "no_prompts.pth"))
    less = {k: v for k, v in state.items() if k != "clip_model.visual.layer3.2.bn1.bias"}
    torch.save(less, tmp_path / "less.pth")
    with pytest.raises(
        ValueError, match=r"less\.pth holds no whole CLIP .*it lacks visual\.layer3\.2\.bn1\.bias"
    ):
        methods.load("qualiclip", weights=str(tmp_path / "less.pth"))
    torch.save(
        {"clip_model.visual.proj": torch.zeros(3), "prompts_features": torch.zeros(14, 3)},
        tmp_path / "vit.pth",
    )
    with pytest.raises(ValueError, match=r"vit\.pth holds no CLIP with a ResNet"):
        methods.load("qualiclip", weights=str(tmp_path / "vit.pth"))
    with pytest.raises(ValueError, match=r"RN50\.pt is no checkpoint of QualiCLIP"):
        methods.load("qualiclip", weights=str(files / "RN50.pt"))
    with pytest.raises(ValueError, match=r"RN50\.pt does not hold the weights of RN101-quickgelu"):
        methods.load("clipiqa", weights=str(files / "RN50.pt"), architecture="RN101-quickgelu")
    with pytest.raises(ValueError, match="holds no learnt prompts"):
        methods.load("clipiqa_plus", weights=str(files / "qualiclip.pth"), pretrained=str(files / "RN50.pt"))
    with pytest.raises(ValueError, match=r"context is \[14, 16, 64\], expected \[16, 64\]"):
        methods.load(
            "clipiqa_plus", weights=str(files / "qualiclip_plus.pth"), pretrained=str(files / "RN50.pt")
        )
