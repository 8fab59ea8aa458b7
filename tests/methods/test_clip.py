"""The CLIP parts: encoder without positions, antonym scoring, weights on disk."""

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

import methods
from methods._shared.clip.antonyms import SEVEN_PAIRS, prompt_pairs
from methods._shared.clip.encoder import SMALL, ImageEncoder, architecture, build, encode_prompts
from methods._shared.clip.weights import load_clip, load_scorer, save_scorer, scorer


@pytest.fixture(scope="module")
def model():
    return scorer(build(SMALL, seed=3), SEVEN_PAIRS, 100.0)


def test_seven_pairs_of_two_different_prompts():
    positive, negative = zip(*prompt_pairs("qualiclip"), strict=True)
    assert len(positive) == len(negative) == 7
    assert len(set(positive) | set(negative)) == 14


def test_encoder_equals_open_clip_with_its_positional_embedding_set_to_zero():
    clip = build(SMALL, seed=1)
    images = torch.rand(2, 3, 128, 128)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
    with torch.no_grad():
        clip.visual.attnpool.positional_embedding.zero_()
        expected = clip.encode_image((images - mean) / std, normalize=True)
        found = ImageEncoder(clip.visual)(images)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_prompts_equal_open_clip_encoding():
    clip = build(SMALL, seed=1)
    tokens = open_clip.get_tokenizer("RN50")(["Good photo."])
    with torch.no_grad():
        expected = clip.encode_text(tokens, normalize=True)
    torch.testing.assert_close(encode_prompts(clip, ["Good photo."]), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(32, 32), (61, 97), (130, 75)])
def test_score_is_the_mean_softmax_over_the_pairs(model, size):
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        embedding = model.encoder(images).numpy()
        found = model(images)[:, 2].numpy()
    expected = []
    for e in embedding:
        pairs = []
        for p, n in zip(model.positive.numpy(), model.negative.numpy(), strict=True):
            logits = 100.0 * np.array([e @ p, e @ n], dtype=np.float64)
            powers = np.exp(logits - logits.max())
            pairs.append(powers[0] / powers.sum())
        expected.append(np.mean(pairs))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_score_alone_equals_score_in_a_batch(model):
    images = torch.rand(5, 3, 70, 90)
    with torch.no_grad():
        alone = torch.cat([model(image[None]) for image in images])
        together = model(images)
    torch.testing.assert_close(alone, together, atol=1e-6, rtol=0)


def test_weights_survive_the_file(model, tmp_path):
    save_scorer(model, tmp_path / "w.safetensors", architecture("small"))
    again = load_scorer(tmp_path / "w.safetensors")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(images), again(images))


def test_bad_weight_files_are_refused(model, tmp_path):
    good = tmp_path / "good.safetensors"
    save_scorer(model, good, architecture("small"))
    truncated = tmp_path / "truncated.safetensors"
    truncated.write_bytes(good.read_bytes()[:5000])
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(2)}, other)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_scorer(truncated)
    with pytest.raises(ValueError, match="does not say which architecture"):
        load_scorer(other)
    with pytest.raises(ValueError, match="no weights at"):
        load_scorer(tmp_path / "absent.safetensors")
    wide = architecture("small", {"width": 32})
    save_scorer(model, good, wide)
    with pytest.raises(ValueError, match="does not fit the architecture"):
        load_scorer(good)


def test_rn50_is_the_same_code():
    config = architecture("RN50-quickgelu")
    config["text_cfg"] = SMALL["text_cfg"]
    encoder = ImageEncoder(build(config, seed=0).visual)
    with torch.no_grad():
        assert encoder(torch.rand(1, 3, 97, 65)).shape == (1, 1024)


def test_seed_decides_the_weights_and_leaves_the_global_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b, c = build(SMALL, 1), build(SMALL, 1), build(SMALL, 2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a.visual.conv1.weight, b.visual.conv1.weight)
    assert not torch.equal(a.visual.conv1.weight, c.visual.conv1.weight)


def test_unknown_names_say_what_could_be_meant():
    with pytest.raises(ValueError, match="did you mean 'clipiqa'"):
        methods.load("clipiqua")
    with pytest.raises(ValueError, match="unknown CLIP architecture 'RN51'"):
        architecture("RN51")
    with pytest.raises(ValueError, match="neither a file nor a tag"):
        load_clip("RN50-quickgelu", "opnai", 0)
    with pytest.raises(ValueError, match=r"clipiqa\.load\.architecture: Input should be a valid string"):
        methods.load("clipiqa", architecture=3)
    with pytest.raises(ValueError, match="did you mean 'scale'"):
        methods.load("clipiqa", scal=3.0)
    with pytest.raises(ValueError, match="not a pair of two different prompts"):
        prompt_pairs([("Good photo.", "Good photo.")])


def test_untrained_backbone_never_bears_the_name_of_clipiqa():
    method = methods.load("clipiqa", architecture="small", pretrained=None)
    assert method.card.title == "Untrained backbone"
    assert methods.card("clipiqa").title == "CLIP-IQA"
    assert prompt_pairs("clipiqa") == (("Good photo.", "Bad photo."),)
