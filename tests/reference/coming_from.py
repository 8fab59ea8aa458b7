"""How far the lines of other libraries lie from ours, on the same random weights and the same pictures.

    python -m tests.reference.coming_from

needs the extras `pyiqa` and `torchmetrics`. What they would fetch is put in its place. The official hubs' own
scores are in ``tests/methods/golden/`` (`tests.reference.official_clip`, `tests.reference.arniqa`).
"""

import importlib
import sys
import tempfile
import types
import warnings
from pathlib import Path
from unittest import mock

import packaging.version
import torch
import torchvision
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from torchvision.transforms.functional import to_tensor

import methods
from tests.reference import arniqa
from tests.reference.clip_state import random_clip, random_context, random_prompts_features

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}


def pictures():
    """Three pictures of 8 bits."""
    return [to_tensor(Image.fromarray(arniqa.picture(*size)))[None] for size in arniqa.SIZES]


def farthest(theirs, ours):
    """Largest difference of the scores of all pictures."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return max(abs(float(theirs(x).reshape(-1)[0]) - float(ours.score(x)[0])) for x in pictures())


def of_clip(folder):
    """Lines over CLIP's RN50."""
    import open_clip.factory
    import piq

    sys.modules.setdefault("pkg_resources", types.SimpleNamespace(packaging=packaging))  # for `clip`
    from pyiqa.archs import clip_model, clipiqa_arch, qualiclip_arch
    from torchmetrics.multimodal import clip_iqa

    state = random_clip(1)
    torch.save(state, folder / "RN50.pt")
    official = {f"clip_model.{name}": value for name, value in state.items()}
    torch.save(official | {"prompts_features": random_prompts_features(2)}, folder / "qualiclip.pth")
    torch.save(random_context(3), folder / "plus.pth")
    config = {**open_clip.factory._MODEL_CONFIGS["RN50-quickgelu"], "text_cfg": TEXT}
    tokens = SimpleTokenizer()(["Good photo.", "Bad photo."])
    build = lambda *a, **k: clip_model.build_model(dict(state)).float()  # noqa: E731
    of_piq = lambda *a, **k: piq.feature_extractors.clip.build_model(dict(state)).float().eval()  # noqa: E731

    def anchors(name, model, *rest):
        return torch.nn.functional.normalize(model.encode_text(tokens), dim=-1)

    with (
        mock.patch.dict(open_clip.factory._MODEL_CONFIGS, {"RN50-quickgelu": config}),
        mock.patch.object(clipiqa_arch, "load", build),
        mock.patch.object(qualiclip_arch, "load", build),
        mock.patch.object(qualiclip_arch, "load_file_from_url", return_value=str(folder / "qualiclip.pth")),
        mock.patch.object(piq.feature_extractors.clip, "load", of_piq),
        mock.patch.object(piq.clip_iqa, "download_tensor", return_value=tokens),
        mock.patch.object(clip_iqa, "_get_clip_iqa_model_and_processor", return_value=(of_piq(), None)),
        mock.patch.object(clip_iqa, "_clip_iqa_get_anchor_vectors", anchors),
    ):
        clip, quali = str(folder / "RN50.pt"), str(folder / "qualiclip.pth")
        port = qualiclip_arch.QualiCLIP(model_type="qualiclip", pretrained=False).eval()
        yield "pyiqa qualiclip", farthest(port, methods.load("qualiclip", weights=quali))
        yield (
            "pyiqa qualiclip, scale",
            farthest(port, methods.load("qualiclip", weights=quali, scale="pyiqa")),
        )
        five = clipiqa_arch.CLIPIQA(model_type="clipiqa", pretrained=False).eval()
        yield "pyiqa clipiqa", farthest(five, methods.load("clipiqa", weights=clip))
        yield "pyiqa clipiqa, prompts", farthest(five, methods.load("clipiqa", weights=clip, prompts="pyiqa"))
        learnt = clipiqa_arch.CLIPIQA(model_type="clipiqa+", pretrained=False).eval()
        learnt.prompt_learner.ctx.data = random_context(3)
        plus = methods.load("clipiqa_plus", weights=str(folder / "plus.pth"), pretrained=clip)
        yield "pyiqa clipiqa+", farthest(learnt, plus)
        yield "piq CLIPIQA", farthest(piq.CLIPIQA(), methods.load("clipiqa", weights=clip))
        yield (
            "torchmetrics CLIPImageQualityAssessment",
            farthest(clip_iqa.CLIPImageQualityAssessment(), methods.load("clipiqa", weights=clip)),
        )


def of_arniqa(folder):
    """Lines over ARNIQA's ResNet-50, with the regressor of KADID-10k."""
    from pyiqa.archs import arniqa_arch

    functional = importlib.import_module("torchmetrics.functional.image.arniqa")
    encoder, regressor = arniqa.write_files(folder)
    network = torchvision.models.resnet50()

    def given(url, **rest):
        return arniqa.load(folder / Path(url).name)

    with (
        warnings.catch_warnings(),
        mock.patch("torch.hub.load_state_dict_from_url", given),
        mock.patch.object(arniqa_arch, "load_file_from_url", return_value=str(regressor)),
        mock.patch.object(arniqa_arch.torchvision.models, "resnet50", return_value=network),
    ):
        warnings.simplefilter("ignore")
        ours = methods.load("arniqa", encoder=encoder, regressor=regressor)
        yield "pyiqa arniqa-kadid", farthest(arniqa_arch.ARNIQA("kadid").eval(), ours)
        model = functional._NoTrainArniqa("kadid10k").eval()
        yield "torchmetrics ARNIQA", farthest(lambda x: model(x, normalize=True), ours)
        yield "our as_module", farthest(ours.as_module(), ours)


def measured():
    """Name of a line and the largest difference, line by line."""
    with tempfile.TemporaryDirectory() as folder:
        yield from of_clip(Path(folder))
        yield from of_arniqa(Path(folder))


if __name__ == "__main__":
    for name, difference in measured():
        print(f"{name:45}{difference:.1e}")
