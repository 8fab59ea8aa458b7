"""DUBMA: the authors' file in its own layout, its score written plainly, and what its card says."""

import pytest
import torch

import methods
from benchmark.protocols import named_in
from methods import dubma
from tests.reference import arniqa
from tests.reference import dubma as plain


def tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("dubma") / "DUBMA.pt"
    return str(path), plain.write(path, arniqa.tiny)


@pytest.fixture
def small(file, narrow_resnets):
    """The path of a checkpoint with a tiny ResNet, and what it holds."""
    return file


#: Height and width, and patches: enlarged by either side, as they are, and brought to 768.
SIZES = {(97, 131): 12, (300, 225): 12, (384, 400): 9, (224, 224): 9, (800, 770): 42, (768, 768): 36}


@pytest.mark.parametrize(("size", "count"), SIZES.items(), ids=str)
def test_patches_are_those_of_a_plain_writing(size, count):
    pixels = arniqa.picture(*size)
    found, expected = dubma.patches(dubma.sized(tensor(pixels))), plain.patches(pixels)
    assert len(found) == count
    torch.testing.assert_close(found, expected.float(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(97, 131), (384, 400)], ids=str)
def test_scores_are_those_of_a_plain_writing(small, size):
    path, states = small
    pixels = arniqa.picture(*size)
    found = methods.load("dubma", weights=path, adapted_to=None).score(tensor(pixels)[None]).item()
    assert found == pytest.approx(plain.score(states, pixels), abs=3e-6)
    assert abs(found) > 1e-3


@pytest.mark.slow
def test_the_authors_file_of_a_resnet18(tmp_path):
    states, pixels = plain.write(tmp_path / "DUBMA.pt"), arniqa.picture(97, 131)
    method = methods.load("dubma", weights=str(tmp_path / "DUBMA.pt"), adapted_to=None)
    assert method.score(tensor(pixels)[None]).item() == pytest.approx(plain.score(states, pixels), abs=3e-6)


def test_what_is_adapted_is_marked(small):
    path, _ = small
    bare = methods.load("dubma", weights=path, adapted_to=None).card
    assert not bare.transductive
    assert not named_in(bare.training_data, "KonIQ-10k")
    assert named_in(bare.training_data, "Waterloo Exploration")
    card = methods.load("dubma", weights=path, adapted_to="koniq10k").card
    assert card.transductive
    assert not card.opinion_aware
    assert named_in(card.training_data, "KonIQ-10k")
    assert ("pictures", "koniq10k") in [(one.kind, one.what) for one in card.exposure]
    assert card.setting(True) == "learnt from this data set, transductive"
    assert card.title == "DUBMA (adapted to KonIQ-10k)"


def test_another_file_is_refused(small, tmp_path):
    path, (encoder, ranker) = small
    other = str(tmp_path / "other.pt")
    cases = (
        ({"model": {"a": torch.zeros(1)}}, "holds no 'netF_dict'"),
        ({"netF_dict": ranker, "netQ_dict": ranker}, "no checkpoint of DUBMA: it lacks a ResNet"),
        ({"netF_dict": encoder, "netQ_dict": encoder}, "no checkpoint of DUBMA: it lacks linear"),
    )
    for content, says in cases:
        torch.save(content, other)
        with pytest.raises(ValueError, match=says):
            methods.load("dubma", weights=other, adapted_to=None)
    with pytest.raises(ValueError, match="koniq10k"):
        methods.load("dubma", weights=path, adapted_to="koniq")
    with pytest.raises(ValueError, match="adapted_to"):
        methods.load("dubma", weights=path)
