"""Random weights of a CLIP with a ResNet in OpenAI's layout, and pictures: the same on every machine.

Drawn from numpy's frozen ``RandomState`` and rounded to half precision, as OpenAI's own files are, so that an
implementation that keeps weights in half precision computes with the same numbers.
"""

import functools

import numpy as np
import torch

SIDE, VOCABULARY, CONTEXT = 7, 49408, 77
TEXT_WIDTH, TEXT_LAYERS = 64, 2
#: Width, blocks of the four stages and embedding of the image tower: those of RN50, and of a small one.
RN50 = (64, (3, 4, 6, 3), 1024)
SMALL = (16, (2, 1, 3, 1), 128)
SIZES = ((97, 131), (203, 75), (150, 229))


@functools.cache
def random_clip(seed, text=(TEXT_WIDTH, TEXT_LAYERS), image=RN50):
    """State dict by name, every tensor float32; `text` is the width and depth of the text tower."""
    text_width, text_layers = text
    image_width, layers, embedding = image
    draw = np.random.RandomState(seed)
    state = {}

    def normal(name, shape, deviation, mean=0.0):
        values = mean + deviation * draw.standard_normal(shape).astype(np.float32)
        state[name] = torch.from_numpy(np.asarray(values, np.float32)).half().float()

    def conv(name, out, into, kernel):
        normal(f"{name}.weight", (out, into, kernel, kernel), (2 / (into * kernel * kernel)) ** 0.5)

    def norm(name, channels, gain=1.0):
        normal(f"{name}.weight", (channels,), 0.1, gain)
        normal(f"{name}.bias", (channels,), 0.1)
        normal(f"{name}.running_mean", (channels,), 0.1)
        normal(f"{name}.running_var", (channels,), 0.05, 1.0)
        state[f"{name}.num_batches_tracked"] = torch.tensor(0)

    def linear(name, out, into):
        normal(f"{name}.weight", (out, into), into**-0.5)
        normal(f"{name}.bias", (out,), 0.02)

    half = image_width // 2
    for index, (into, out) in enumerate([(3, half), (half, half), (half, image_width)], 1):
        conv(f"visual.conv{index}", out, into, 3)
        norm(f"visual.bn{index}", out)
    into = image_width
    for stage, blocks in enumerate(layers, 1):
        planes = image_width * 2 ** (stage - 1)
        for block in range(blocks):
            name = f"visual.layer{stage}.{block}"
            for index, (a, b, kernel) in enumerate(
                [(into, planes, 1), (planes, planes, 3), (planes, planes * 4, 1)], 1
            ):
                conv(f"{name}.conv{index}", b, a, kernel)
                norm(f"{name}.bn{index}", b, gain=0.3 if index == 3 else 1.0)
            if block == 0:
                conv(f"{name}.downsample.0", planes * 4, into, 1)
                norm(f"{name}.downsample.1", planes * 4)
            into = planes * 4
    normal("visual.attnpool.positional_embedding", (SIDE * SIDE + 1, into), into**-0.5)
    for part, out in (("k", into), ("q", into), ("v", into), ("c", embedding)):
        linear(f"visual.attnpool.{part}_proj", out, into)

    normal("token_embedding.weight", (VOCABULARY, text_width), 0.02)
    normal("positional_embedding", (CONTEXT, text_width), 0.01)
    for layer in range(text_layers):
        name = f"transformer.resblocks.{layer}"
        normal(f"{name}.attn.in_proj_weight", (3 * text_width, text_width), 2 * text_width**-0.5)
        normal(f"{name}.attn.in_proj_bias", (3 * text_width,), 0.02)
        linear(f"{name}.attn.out_proj", text_width, text_width)
        for norm_name in ("ln_1", "ln_2"):
            normal(f"{name}.{norm_name}.weight", (text_width,), 0.1, 1.0)
            normal(f"{name}.{norm_name}.bias", (text_width,), 0.1)
        linear(f"{name}.mlp.c_fc", 4 * text_width, text_width)
        linear(f"{name}.mlp.c_proj", text_width, 4 * text_width)
    normal("ln_final.weight", (text_width,), 0.1, 1.0)
    normal("ln_final.bias", (text_width,), 0.1)
    normal("text_projection", (text_width, embedding), text_width**-0.5)
    state["logit_scale"] = torch.tensor(float(np.log(100.0))).half().float()
    return state


def open_clip_config(image=SMALL):
    """Configuration of open_clip for the towers of `random_clip`."""
    width, layers, embedding = image
    text = {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": TEXT_WIDTH, "heads": 1,
            "layers": TEXT_LAYERS}  # fmt: skip
    vision = {"image_size": 32 * SIDE, "layers": list(layers), "width": width, "patch_size": None}
    return {"embed_dim": embedding, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}


def random_prompts_features(seed, prompts=14, image=RN50):
    """Unit prompt embeddings ``[14, D]`` as QualiCLIP's checkpoint stores them."""
    values = np.random.RandomState(seed).standard_normal((prompts, image[-1])).astype(np.float32)
    return torch.nn.functional.normalize(torch.from_numpy(values), dim=-1)


def random_context(seed, *leading):
    """Learnt context ``[..., 16, width]``."""
    values = np.random.RandomState(seed).standard_normal((*leading, 16, TEXT_WIDTH)).astype(np.float32)
    return torch.from_numpy(values * 0.02)


def pictures():
    """Two pictures of each size, RGB in [0, 1]: one rough, one smooth."""
    draw = np.random.RandomState(5)
    found = []
    for height, width in SIZES:
        rough = draw.random_sample((3, height, width)).astype(np.float32)
        y, x = np.mgrid[0:height, 0:width] / 40.0
        smooth = np.stack([0.5 + 0.5 * np.sin(x * k + y / k) for k in (1, 2, 3)]).astype(np.float32)
        found.append(torch.from_numpy(np.stack([rough, smooth])))
    return found
