"""Weights in the formats in which they are published, with seeded random values."""

import warnings

import numpy as np
import scipy.io
import torch
import torchvision
from safetensors.torch import save_file

from tests.reference import arniqa
from tests.reference.clip_state import random_clip, random_prompts_features

#: Width and layers of the text tower of OpenAI's RN50.
TEXT = (512, 12)
TOKENS, PROMPTS = 16, 14


def clip_file(path):
    """The copy of OpenAI's RN50 that Hugging Face holds: safetensors, in half precision."""
    state = {name: tensor.half().contiguous() for name, tensor in random_clip(1, TEXT).items()}
    save_file(state, path)


def qualiclip_file(path):
    state = {f"clip_model.{name}": tensor.half() for name, tensor in random_clip(2, TEXT).items()}
    torch.save({**state, "prompts_features": random_prompts_features(3, PROMPTS)}, path)


def clipiqa_plus_file(path):
    torch.save(torch.nn.Parameter(context(4, TOKENS)), path)


def qualiclip_plus_file(path):
    torch.save({"params": {"prompt_learner.ctx": context(5, PROMPTS, TOKENS)}}, path)


def context(seed, *shape):
    return 0.02 * torch.randn(*shape, TEXT[0], generator=torch.Generator().manual_seed(seed))


def arniqa_file(path):
    torch.save(arniqa.encoder_state(), path)


def regressor_file(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated, and the release is made of it
        torch.jit.script(arniqa.Ridge(4096)).save(str(path))


def resnet_file(path):
    state = torchvision.models.resnet50().state_dict()
    torch.save({name: arniqa.random_tensor(name, value.shape) for name, value in state.items()}, path)


def niqe_file(path):
    """As MATLAB wrote the authors' file: version 5, means in a row."""
    random = np.random.default_rng(6)
    rows = random.normal(size=(200, 36)) * 0.1
    mean, covariance = random.uniform(0.2, 2, size=(1, 36)), np.cov(rows, rowvar=False)
    scipy.io.savemat(path, {"mu_prisparam": mean, "cov_prisparam": covariance})


def ilniqe_file(path):
    """As MATLAB wrote the authors' file: a row of cells with mean, covariance, centre and 430 axes."""
    random = np.random.default_rng(7)
    axes = np.linalg.qr(random.normal(size=(468, 430)))[0]
    centre = random.uniform(0.1, 2, size=(468, 1))
    cells = np.empty((1, 4), dtype=object)
    cells[0] = [np.zeros((1, 430)), np.diag(np.geomspace(1e4, 1e-4, 430)), centre, axes]
    scipy.io.savemat(path, {"templateModel": cells})


HUB = "huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main"
OPENAI = "huggingface.co/timm/resnet50_clip.openai/resolve/main/open_clip_model.safetensors"
RELEASES = "github.com/miccunifi/{}/releases/download/weights"

#: What is served under which address. OpenAI's own address names a digest that random values cannot have, and
#: those of NIQE's and IL-NIQE's authors are fetched by digest too.
FILES = {
    OPENAI: clip_file,
    f"{RELEASES.format('QualiCLIP')}/qualiclip.pth": qualiclip_file,
    f"{HUB}/CLIP-IQA+_learned_prompts-603f3273.pth": clipiqa_plus_file,
    f"{HUB}/QualiCLIP+_koniq.pth": qualiclip_plus_file,
    f"{HUB}/niqe_modelparameters.mat": niqe_file,
    f"{HUB}/ILNIQE_templateModel.mat": ilniqe_file,
    f"{RELEASES.format('ARNIQA')}/ARNIQA.pth": arniqa_file,
    f"{RELEASES.format('ARNIQA')}/regressor_kadid10k.pth": regressor_file,
    "download.pytorch.org/models/resnet50-0676ba61.pth": resnet_file,
}
