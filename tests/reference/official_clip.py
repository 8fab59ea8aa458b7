"""Run the authors' own code on random weights and write what it scores: the golden values of the CLIP family.

    python -m tests.reference.official_clip QUALICLIP CLIPIQA > tests/methods/golden/clip.json

QUALICLIP and CLIPIQA are checkouts of miccunifi/QualiCLIP and IceClear/CLIP-IQA (at 0839edd and 061fd3c);
their licences keep them outside this repository. pyiqa is a package (`pip install .[pyiqa]`). mmcv and
pkg_resources, which their modules name, take no part in a forward pass and are replaced.
"""

import contextlib
import importlib
import importlib.util
import json
import sys
import tempfile
import types
from pathlib import Path
from unittest import mock

import packaging.version
import torch
from PIL import Image
from torchvision import transforms

from tests.reference.arniqa import SIZES, picture
from tests.reference.clip_state import SMALL, pictures, random_clip, random_context, random_prompts_features

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


def scores(model, *, normalised):
    """Scores of all pictures, size by size."""
    with torch.no_grad():
        found = [model((x - MEAN) / STD if normalised else x) for x in pictures()]
    return [[float(value) for value in rows.reshape(len(rows), -1)[:, 0]] for rows in found]


def readme(model):
    """Scores of pictures of 8 bits, prepared as the README of QualiCLIP does it."""
    normalise = transforms.Normalize(MEAN.flatten(), STD.flatten())
    prepared = [normalise(transforms.ToTensor()(Image.fromarray(picture(*size)))) for size in SIZES]
    with torch.no_grad():
        return [model(image.unsqueeze(0)).item() for image in prepared]


def attributes(model):
    """Every column of what CLIP-IQA's code returns."""
    with torch.no_grad():
        return [model((x - MEAN) / STD)[0].tolist() for x in pictures()]


def run_qualiclip(checkout, state):
    """The hub's model."""
    sys.path.insert(0, checkout)
    sys.modules.setdefault("pkg_resources", types.SimpleNamespace(packaging=packaging))
    hub = importlib.import_module("hubconf")
    own = importlib.import_module("clip.model")
    checkpoint = {f"clip_model.{k}": v for k, v in state.items()}
    checkpoint["prompts_features"] = random_prompts_features(2, image=SMALL)
    with (
        mock.patch.object(hub.clip, "load", return_value=(own.build_model(dict(state)), None)),
        mock.patch("torch.hub.load_state_dict_from_url", return_value=checkpoint),
    ):
        model = hub.QualiCLIP().eval()
    sys.path.remove(checkout)
    for name in [n for n in sys.modules if n == "clip" or n.startswith("clip.")]:
        del sys.modules[name]
    return {"qualiclip": scores(model, normalised=True), "qualiclip_readme": readme(model)}


def run_clipiqa(checkout, state):
    """CLIP-IQA's generators, with mmcv and mmedit's registry replaced by empty modules."""
    root = Path(checkout) / "mmedit" / "models"
    for name in (
        "mmcv",
        "mmcv.runner",
        "mmcv.runner.checkpoint",
        "mmedit",
        "mmedit.models",
        "mmedit.models.backbones",
    ):
        sys.modules[name] = mock.MagicMock()
    for name in ("sr_backbones.rrdb_net",):
        sys.modules[f"mmedit.models.backbones.{name}"] = mock.MagicMock()
    registry = types.ModuleType("mmedit.models.registry")
    registry.BACKBONES = types.SimpleNamespace(register_module=lambda: lambda cls: cls)
    sys.modules["mmedit.models.registry"] = registry
    for name in (
        "mmedit.models.builder",
        "mmedit.models.common",
        "mmedit.utils",
        "mmedit.models.backbones.sr_backbones",
    ):
        sys.modules[name] = mock.MagicMock()
    for name, folder in (
        ("mmedit.models.components", "components"),
        ("mmedit.models.components.clip", "components/clip"),
    ):
        module = types.ModuleType(name)
        module.__path__ = [str(root / folder)]
        sys.modules[name] = module
    own = importlib.import_module("mmedit.models.components.clip.model")
    text = importlib.import_module("mmedit.models.components.clip.clip")
    text.build_model = own.build_model
    sys.modules["mmedit.models.components.clip"].clip = text
    spec = importlib.util.spec_from_file_location("coop", root / "backbones/sr_backbones/coopclipiqa.py")
    coop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(coop)
    coop.load_clip_to_cpu = lambda name: own.build_model(dict(state)).float()
    good = [["Good photo.", "Bad photo."]]
    pairs = [
        ["Bright photo.", "Dark photo."],
        ["Sharp photo.", "Blurry photo."],
        ["Noisy photo.", "Clean photo."],
        ["Colorful photo.", "Dull photo."],
        ["High contrast photo.", "Low contrast photo."],
    ]
    plus = coop.CLIPIQAPredictor(good, backbone_name="RN50").eval()
    plus.clipmodel_0.prompt_learner.ctx.data = random_context(3)
    return {
        "clipiqa": [[row[0] for row in rows] for rows in attributes(coop.CLIPIQAFixed(good).eval())],
        "attributes": attributes(coop.CLIPIQAFixed(pairs).eval()),
        "clipiqa_plus": [[row[0] for row in rows] for rows in attributes(plus)],
    }


def run_pyiqa(state):
    """pyiqa's ports."""
    from pyiqa.archs import clip_model, clipiqa_arch, qualiclip_arch

    checkpoint = {f"clip_model.{k}": v for k, v in state.items()}
    checkpoint["prompts_features"] = random_prompts_features(2, image=SMALL)
    build = lambda *a, **k: clip_model.build_model(dict(state)).float()  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "qualiclip.pth"
        torch.save(checkpoint, path)
        with (
            mock.patch.object(clipiqa_arch, "load", build),
            mock.patch.object(qualiclip_arch, "load", build),
            mock.patch.object(qualiclip_arch, "load_file_from_url", return_value=str(path)),
        ):
            port = qualiclip_arch.QualiCLIP(model_type="qualiclip", pretrained=False).eval()
            plus = qualiclip_arch.QualiCLIP(model_type="qualiclip+", pretrained=False).eval()
            five = clipiqa_arch.CLIPIQA(model_type="clipiqa", pretrained=False).eval()
            learnt = clipiqa_arch.CLIPIQA(model_type="clipiqa+", pretrained=False).eval()
    plus.prompt_learner.ctx.data = random_context(4, 14)
    learnt.prompt_learner.ctx.data = random_context(3)
    return {
        "pyiqa_qualiclip": scores(port, normalised=False),
        "pyiqa_qualiclip_plus": scores(plus, normalised=False),
        "pyiqa_clipiqa": scores(five, normalised=False),
        "pyiqa_clipiqa_plus": scores(learnt, normalised=False),
    }


if __name__ == "__main__":
    _, qualiclip, clipiqa = sys.argv
    weights = random_clip(1, image=SMALL)
    with contextlib.redirect_stdout(sys.stderr):
        golden = {**run_qualiclip(qualiclip, weights), **run_pyiqa(weights), **run_clipiqa(clipiqa, weights)}
    command = "python -m tests.reference.official_clip QUALICLIP CLIPIQA"
    print(json.dumps({"command": command, "torch": torch.__version__, "scores": golden}, indent=1))
