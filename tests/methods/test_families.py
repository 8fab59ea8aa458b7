"""Any CLIP of open_clip: one of each family, its configuration true and its size shrunk, weights random."""

import copy
import json
from functools import partial
from pathlib import Path

import open_clip
import open_clip.timm_model
import pytest
import torch
import torch.nn.functional as F
from open_clip import factory
from safetensors.torch import save_file

import methods
from benchmark.images import write_png
from methods._shared.clip.encoder import ImageEncoder, architecture, build, encode_prompts
from methods._shared.clip.origin import check_tag
from methods._shared.clip.texts import place
from methods._shared.clip.towers import bicubic
from methods._shared.clip.weights import load_clip

#: What each family is shrunk to: arguments of timm's constructor, or of open_clip's own tower.
TIMM = {"depth": 1, "embed_dim": 64, "num_heads": 2, "img_size": 64}
FAMILIES = {
    "ViT-B-16-SigLIP": TIMM,
    "ViT-B-16-SigLIP2": TIMM,
    "MobileCLIP2-B": {"depth": 1, "img_size": 64},
    "MobileCLIP2-S0": {"layers": (1, 1, 1, 1), "embed_dims": (16, 32, 64, 128)},
    "EVA02-B-16": TIMM,
    "PE-Core-S-16-384": TIMM,
    "ViTamin-S": {"depth": 1, "img_size": 64},
    "ViT-L-14-CLIPA": {"layers": 1, "width": 64, "head_width": 32, "image_size": 56},
    "coca_ViT-B-32": {"layers": 1, "width": 64, "head_width": 32, "image_size": 64, "attn_pooler_heads": 2},
    "roberta-ViT-B-32": {"layers": 1, "width": 64, "head_width": 32, "image_size": 64},
}
#: Mean and deviation that the authors of the weights state; all others are OpenAI's.
PICTURES = {
    "ViT-B-16-SigLIP": ((0.5,) * 3, (0.5,) * 3),
    "ViT-B-16-SigLIP2": ((0.5,) * 3, (0.5,) * 3),
    "PE-Core-S-16-384": ((0.5,) * 3, (0.5,) * 3),
    "MobileCLIP2-B": ((0.0,) * 3, (1.0,) * 3),
    "MobileCLIP2-S0": ((0.0,) * 3, (1.0,) * 3),
    "ViT-L-14-CLIPA": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@pytest.fixture
def tokens_of(tmp_path, monkeypatch):
    """Lays a tokenizer where one of the hub is looked for, and the configuration of a small text tower."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IQA_OFFLINE", "1")

    def lay(name):
        words = ["[PAD]", "[EOS]", "[UNK]", "[SEP]", *["good", "bad", "photo", "Good", "Bad", "."]]
        model = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
        model.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        model.post_processor = processors.TemplateProcessing("$A [EOS]", special_tokens=[("[EOS]", 1)])
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=model, pad_token="[PAD]", eos_token="[EOS]", unk_token="[UNK]", sep_token="[SEP]"
        ).save_pretrained(place(name))
        settings = {"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 16}
        kind = {"model_type": "roberta", "intermediate_size": 32, "max_position_embeddings": 90, **settings}
        (place(name) / "config.json").write_text(json.dumps(kind))
        return place(name)

    return lay


@pytest.fixture
def shrink(monkeypatch):
    """Shrinks a family of open_clip where open_clip itself looks it up."""
    create = open_clip.timm_model.timm.create_model

    def shrunk(name):
        config = copy.deepcopy(factory._MODEL_CONFIGS[name])
        if "timm_model_name" in config["vision_cfg"]:
            monkeypatch.setattr(open_clip.timm_model.timm, "create_model", partial(create, **FAMILIES[name]))
        else:
            config["vision_cfg"].update(FAMILIES[name])
        config["embed_dim"] = 64
        config["text_cfg"].update({"width": 16, "heads": 2, "layers": 1})
        if "vocab_size" in config["text_cfg"] and "hf_tokenizer_name" in config["text_cfg"]:
            config["text_cfg"]["vocab_size"] = 16
        if "multimodal_cfg" in config:
            config["multimodal_cfg"].update({"width": 64, "heads": 2, "layers": 1})
        monkeypatch.setitem(factory._MODEL_CONFIGS, name, config)
        return config

    return shrunk


@pytest.fixture(params=list(FAMILIES))
def family(request, shrink, tokens_of):
    config = shrink(request.param)
    for key in ("hf_tokenizer_name", "hf_model_name"):
        if key in config["text_cfg"]:
            tokens_of(config["text_cfg"][key])
    return request.param


def test_a_family_is_open_clips_own_and_takes_any_size(family):
    theirs = build(architecture(family), seed=0)
    encoder = ImageEncoder(copy.deepcopy(theirs.visual))
    mean, std = PICTURES.get(family, OPENAI)
    torch.testing.assert_close(encoder.mean.flatten(), torch.tensor(mean))
    side = FAMILIES[family].get("img_size") or FAMILIES[family].get("image_size") or 64
    images = torch.rand(2, 3, side, side)
    normalised = (images - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    with torch.no_grad():
        expected = theirs.encode_image(normalised, normalize=True)
        torch.testing.assert_close(encoder(images), expected, atol=1e-5, rtol=0)
        if hasattr(theirs.visual, "set_input_size") and hasattr(theirs.visual.trunk, "set_input_size"):
            height, width = 4 * side // 2, 5 * side // 4
            theirs.visual.set_input_size((height, width))  # timm's own resizing is the oracle
            wide = torch.rand(1, 3, height, width)
            normalised = (wide - encoder.mean) / encoder.std
            expected = theirs.encode_image(normalised, normalize=True)
            torch.testing.assert_close(encoder(wide), expected, atol=1e-5, rtol=0)
        odd = torch.rand(2, 3, 75, 101)
        torch.testing.assert_close(encoder(odd)[:1], encoder(odd[:1]), atol=1e-5, rtol=0)
    layers = []
    handle = encoder.cam_layer.register_forward_hook(lambda module, given, out: layers.append(out))
    encoder(odd)
    handle.remove()
    assert encoder.cam_reshape(layers[0]).ndim == 4


def test_a_family_reads_prompts_as_open_clip_does(family, tmp_path):
    clip = build(architecture(family), seed=0)
    text = architecture(family)["text_cfg"]
    if name := text.get("hf_tokenizer_name"):
        length, settings = text.get("context_length", 77), text.get("tokenizer_kwargs", {})
        theirs = open_clip.tokenizer.HFTokenizer(str(place(name)), context_length=length, **settings)
        tokens = theirs(["Good photo."])
    else:
        tokens = open_clip.get_tokenizer(family)(["Good photo."])
    with torch.no_grad():
        expected = F.normalize(clip.encode_text(tokens), dim=-1)
    torch.testing.assert_close(encode_prompts(clip, ["Good photo."]), expected, atol=1e-6, rtol=0)


def test_a_family_is_asked_without_training_trained_saved_and_read(family, tmp_path, monkeypatch):
    write_png(tmp_path / "picture.png", torch.rand(3, 80, 80))
    asked = methods.load("clipiqa", architecture=family, pretrained=None)
    images = torch.rand(1, 3, 72, 90)
    before = asked.score(images)
    assert 0 <= float(before) <= 1
    settings = {
        "architecture": family, "pretrained": None, "prompts": "clipiqa", "steps": 1, "batch": 1, "crop": 48,
        "levels": 2, "lr": 1e-3, "bf16": False, "workers": 1, "processes": 0,
    }  # fmt: skip
    made = methods.train("qualiclip", [tmp_path / "picture.png"], tmp_path / "q", seed=0, settings=settings)
    # A trained file needs nothing of the hub.
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "empty"))
    trained = methods.load("qualiclip", **made)
    torch.testing.assert_close(trained.scorer.encoder.mean, asked.scorer.encoder.mean)
    again = methods.load("qualiclip", **made)
    assert torch.equal(trained.score(images), again.score(images))
    moved = [
        not torch.equal(a, b)
        for a, b in zip(trained.scorer.parameters(), asked.scorer.parameters(), strict=True)
    ]
    assert any(moved)


def test_weights_of_a_custom_text_tower_in_the_older_naming_are_read(shrink, tmp_path):
    shrink("EVA02-B-16")
    theirs = open_clip.create_model("EVA02-B-16").eval()
    state = {key.removeprefix("text."): value for key, value in theirs.state_dict().items()}
    state["logit_scale"] = state["logit_scale"].reshape(1)
    save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "w.safetensors")
    ours = load_clip("EVA02-B-16", str(tmp_path / "w.safetensors"), 0)
    tokens = open_clip.tokenize(["Good photo."])
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_text(tokens), theirs.encode_text(tokens), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "needed"), [("ViT-B-16-SigLIP", "timm/ViT-B-16-SigLIP"), ("roberta-ViT-B-32", "roberta-base")]
)
def test_a_file_of_the_hub_that_is_not_here_is_named_with_where_to_put_it(
    name, needed, shrink, tmp_path, monkeypatch
):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    monkeypatch.setenv("IQA_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    shrink(name)
    says = rf"text tower needs '{needed}'.*hf download {needed} .*tokenizers/{needed.replace('/', '--')}"
    with pytest.raises(ValueError, match=says):
        methods.load("clipiqa", architecture=name, pretrained=None)


def test_every_tag_of_open_clip_is_taken_with_its_own_mean_and_deviation():
    for name, tag in open_clip.list_pretrained():
        entry = open_clip.get_pretrained_cfg(name, tag)
        config = architecture(name, None, tag)
        assert config.get("preprocess", OPENAI) == (tuple(entry["mean"]), tuple(entry["std"])), (name, tag)
        try:
            check_tag(name, tag)
        except ValueError as error:
            assert "were trained with" in str(error), (name, tag)  # noqa: PT017


def test_what_cannot_be_done_is_refused_with_its_cure():
    with pytest.raises(ValueError, match=r"width: the image tower of EVA02-B-16 is .* of timm"):
        architecture("EVA02-B-16", {"width": 32})
    visual = open_clip.timm_model.TimmModel("swin_tiny_patch4_window7_224", 8)
    with pytest.raises(ValueError, match="SwinTransformer takes images of one size alone"):
        ImageEncoder(visual)


@pytest.mark.parametrize("size", [(7, 9), (24, 16), (16, 16), (1, 40)])
def test_two_products_resize_as_torch_does_and_so_do_their_gradients(size):
    maps = torch.randn(1, 3, 16, 16, requires_grad=True)
    other = maps.detach().clone().requires_grad_()
    ours = bicubic(maps, size)
    theirs = F.interpolate(other, size=size, mode="bicubic", antialias=True)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    torch.testing.assert_close(maps.grad, other.grad, atol=1e-4, rtol=0)


def test_learnt_prompts_name_the_towers_that_they_go_with(shrink, tokens_of, tmp_path):
    shrink("MobileCLIP2-B")
    torch.save({"prompt_learner.ctx": torch.zeros(16, 64)}, tmp_path / "prompts.pth")
    with pytest.raises(ValueError, match="architecture: prompts are learnt with CLIP's own text tower"):
        methods.load(
            "clipiqa_plus", weights=str(Path(tmp_path / "prompts.pth")), architecture="MobileCLIP2-B",
            pretrained=None,
        )  # fmt: skip
