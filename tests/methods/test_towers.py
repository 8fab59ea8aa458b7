"""Image towers other than CLIP's ResNet: any size, gradients, and gradCAM on tokens."""

import open_clip
import pytest
import torch
from open_clip.model import CLIP

from benchmark.attribution.maps import maps
from methods._shared.clip.antonyms import GOOD_BAD
from methods._shared.clip.encoder import MEAN, SMALL, STD, ImageEncoder, build
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.towers import resized_positions
from methods._shared.clip.weights import scorer
from methods.clipiqa import CARD

TOWERS = {
    "vit": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "convnext": {
        "image_size": 64, "timm_model_name": "convnext_atto", "timm_model_pretrained": False,
        "timm_pool": "", "timm_proj": "linear",
    },
}  # fmt: skip


def tiny(kind):
    return build({**SMALL, "vision_cfg": TOWERS[kind]}, seed=0)


def normalised(images):
    return (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


@pytest.fixture(scope="module", params=list(TOWERS))
def kind(request):
    return request.param


def test_at_its_own_size_the_tower_is_that_of_open_clip(kind):
    clip = tiny(kind)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = clip.encode_image(normalised(images), normalize=True)
        found = ImageEncoder(clip.visual)(images)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_any_size_alone_as_in_a_batch_and_too_small_is_refused(kind):
    method = AntonymMethod("clipiqa", scorer(tiny(kind), GOOD_BAD), CARD)
    for height, width in [(64, 64), (97, 131), (40, 203)]:
        images = torch.rand(3, 3, height, width)
        together = method.score(images)
        assert together.shape == (3,)
        torch.testing.assert_close(
            together, torch.cat([method.score(image[None]) for image in images]), atol=1e-6, rtol=0
        )
    with pytest.raises(ValueError, match="picture of 40x20 is too small"):
        method.score(torch.rand(1, 3, 20, 40))


def test_maps_have_the_grid_of_the_picture(kind):
    method = AntonymMethod("clipiqa", scorer(tiny(kind), GOOD_BAD), CARD)
    found = maps(method, torch.rand(2, 3, 96, 160))
    assert found.shape == ((2, 3, 6, 10) if kind == "vit" else (2, 3, 3, 5))
    assert found.abs().max() > 0


def test_positions_of_a_larger_picture_equal_a_model_of_that_size():
    """open_clip's own resizing of a checkpoint is the oracle."""
    clip = tiny("vit")
    wide = CLIP(**{**SMALL, "vision_cfg": {**TOWERS["vit"], "image_size": (96, 160)}})
    state = {k: v.clone() for k, v in clip.state_dict().items()}
    open_clip.model.resize_pos_embed(state, wide)
    wide.load_state_dict(state)
    images = torch.rand(1, 3, 96, 160)
    with torch.no_grad():
        expected = wide.eval().encode_image(normalised(images), normalize=True)
        found = ImageEncoder(clip.visual)(images)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (
        resized_positions(clip.visual.positional_embedding, (4, 4), (4, 4))
        is clip.visual.positional_embedding
    )
