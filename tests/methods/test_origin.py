"""Weights are computed with as they were trained: QuickGELU or GELU."""

import copy

import open_clip
import pytest
import torch
from open_clip import factory, pretrained
from safetensors.torch import save_file

import methods
from methods._shared.clip.antonyms import GOOD_BAD
from methods._shared.clip.encoder import SMALL, architecture
from methods._shared.clip.origin import check_tag
from methods._shared.clip.weights import load_clip, save_scorer, scorer

#: What the authors of the weights say: OpenAI, the first LAION-400M of ViT-B-32, YFCC, CC12M, MetaCLIP and
#: DFN trained with QuickGELU.
QUICK = [
    ("RN50", "openai"), ("RN50", "yfcc15m"), ("RN50", "cc12m"), ("RN101", "openai"), ("RN50x4", "openai"),
    ("RN50x16", "openai"), ("RN50x64", "openai"), ("ViT-B-32", "openai"), ("ViT-B-32", "laion400m_e32"),
    ("ViT-B-32", "metaclip_400m"), ("ViT-B-16", "openai"), ("ViT-B-16", "dfn2b"),
    ("ViT-B-16", "metaclip_fullcc"), ("ViT-L-14", "openai"), ("ViT-L-14", "dfn2b"),
    ("ViT-L-14-336", "openai"), ("ViT-H-14", "dfn5b"), ("ViT-H-14", "metaclip_fullcc"),
]  # fmt: skip
GELU = [
    ("ViT-B-32", "laion2b_s34b_b79k"), ("ViT-B-32", "datacomp_xl_s13b_b90k"), ("ViT-B-16", "laion400m_e32"),
    ("ViT-L-14", "dfn2b_s39b"), ("ViT-H-14", "laion2b_s32b_b79k"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tag"), QUICK)
def test_weights_trained_with_quickgelu_are_taken_with_it_alone(name, tag):
    says = rf"'{tag}' of {name} were trained with QuickGELU.*'{name}-quickgelu'"
    with pytest.raises(ValueError, match=says):
        check_tag(name, tag)
    check_tag(f"{name}-quickgelu", tag)


@pytest.mark.parametrize(("name", "tag"), GELU)
def test_weights_trained_with_gelu_are_taken(name, tag):
    check_tag(name, tag)
    with pytest.raises(ValueError, match=r"neither a file nor a tag|trained with GELU"):
        check_tag(f"{name}-quickgelu", tag)


def test_every_tag_is_taken_with_the_activation_that_open_clip_states():
    taken = 0
    for name, tag in open_clip.list_pretrained():
        try:
            config = architecture(name)
            check_tag(name, tag)
        except ValueError:
            continue
        taken += 1
        entry = open_clip.get_pretrained_cfg(name, tag)
        assert bool(entry.get("quick_gelu")) == bool(config.get("quick_gelu")), (name, tag)
    assert taken > 150


@pytest.fixture
def picture(tmp_path):
    from benchmark.images import write_png

    write_png(tmp_path / "picture.png", torch.rand(3, 64, 64))
    return tmp_path / "picture.png"


def test_every_way_to_weights_asks(picture, tmp_path, monkeypatch):
    """None of these may reach for the network first."""
    monkeypatch.setenv("IQA_OFFLINE", "1")
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    own = {"architecture": "RN50", "pretrained": "openai"}
    torch.save({"prompt_learner.ctx": torch.zeros(16, 512)}, tmp_path / "prompts.pth")
    ways = [
        lambda: methods.load("clipiqa", **own),
        lambda: methods.load("clipiqa", architecture="ViT-B-32"),
        lambda: methods.load("clipiqa_plus", weights=str(tmp_path / "prompts.pth"), **own),
        lambda: methods.train("qualiclip", [picture], tmp_path / "q", seed=0, settings={**own, "crop": 64}),
        lambda: methods.fetch("qualiclip", train_settings=own, load_settings={}),
        lambda: methods.fetch("clipiqa_plus", train_settings=own, load_settings={}),
        lambda: methods.fetch("clipiqa", train_settings=None, load_settings=own),
    ]
    for way in ways:
        with pytest.raises(ValueError, match="were trained with QuickGELU"):
            way()


@pytest.fixture
def twins(monkeypatch):
    """Two architectures of open_clip that differ in the activation alone, small enough to save."""
    plain = {key: SMALL[key] for key in ("embed_dim", "vision_cfg", "text_cfg")}
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Tiny", plain)
    quick = {**copy.deepcopy(plain), "quick_gelu": True}
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Tiny-quickgelu", quick)
    return plain


@pytest.mark.parametrize("ending", ["quickgelu", "gelu"])
def test_a_file_is_computed_with_as_the_name_says(twins, tmp_path, ending):
    torch.manual_seed(0)
    theirs = open_clip.create_model("Tiny-quickgelu" if ending == "quickgelu" else "Tiny").eval()
    save_file(theirs.state_dict(), tmp_path / "clip.safetensors")
    with pytest.raises(ValueError, match=r"clip\.safetensors may have .*'Tiny-quickgelu', or 'Tiny-gelu'"):
        load_clip("Tiny", str(tmp_path / "clip.safetensors"), 0)
    with pytest.raises(ValueError, match="'Tiny-quickgelu', or 'Tiny-gelu'"):
        methods.load("clipiqa", architecture="Tiny", weights=str(tmp_path / "clip.safetensors"))
    ours = load_clip(f"Tiny-{ending}", str(tmp_path / "clip.safetensors"), 0)
    tokens = open_clip.tokenize(["Good photo.", "Bad photo."])
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_text(tokens), theirs.encode_text(tokens), atol=1e-6, rtol=0)
        other = load_clip(
            "Tiny-gelu" if ending == "quickgelu" else "Tiny-quickgelu",
            str(tmp_path / "clip.safetensors"),
            0,
        )
        assert (other.encode_text(tokens) - theirs.encode_text(tokens)).abs().max() > 1e-5


def test_a_tag_is_read_with_its_activation(twins, tmp_path, monkeypatch):
    theirs = open_clip.create_model("Tiny-quickgelu")
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    entry = dict(pretrained._PRETRAINED["RN50"]["openai"])
    for name in ("Tiny", "Tiny-quickgelu"):
        monkeypatch.setitem(pretrained._PRETRAINED, name, {"openai": entry})
    monkeypatch.setattr(
        "methods._shared.clip.weights.pretrained_file", lambda name, tag: tmp_path / "w.safetensors"
    )
    with pytest.raises(ValueError, match="take architecture 'Tiny-quickgelu'"):
        methods.load("clipiqa", architecture="Tiny", pretrained="openai")
    assert methods.load("clipiqa", architecture="Tiny-quickgelu", pretrained="openai").name == "clipiqa"


def test_a_file_trained_here_from_such_weights_by_an_earlier_version_is_refused(twins, tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    clip = load_clip("small", None, 0)
    text = {"name": "RN50", "pretrained": "openai", "seed": 0, "changes": None}
    save_scorer(scorer(clip, GOOD_BAD), path, architecture("small"), text=text)
    with pytest.raises(ValueError, match="'RN50-quickgelu'"):
        methods.load("qualiclip", weights=str(path))
    gone = {**text, "name": "small", "pretrained": str(tmp_path / "gone.pt")}
    save_scorer(scorer(clip, GOOD_BAD), path, architecture("small"), text=gone)
    assert methods.load("qualiclip", weights=str(path)).card.title == "QualiCLIP"
