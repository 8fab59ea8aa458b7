"""Which published figures each row of the paper profile stands beside, and by which settings it earned them.

Every row is loaded as the profile says it is, from files in the published formats that hold random values.
"""

import open_clip.factory
import pytest
import torch
import torchvision
import yaml
from safetensors.torch import save_file

import methods
from benchmark.provenance import published
from methods._shared.arniqa.encoder import Encoder, save_encoder
from methods._shared.clip.antonyms import GOOD_BAD, SEVEN_PAIRS, prompt_pairs
from tests.composed import composed
from tests.reference import arniqa
from tests.reference.clip_state import (
    SMALL,
    open_clip_config,
    random_clip,
    random_context,
    random_prompts_features,
)
from tests.rehearsal import weights

#: Row of the profile -> name of its figures in benchmark/provenance/published.csv; "": it stands beside none.
PAIRS = {
    "qualiclip": "qualiclip",  # trained here, from CLIP RN50 of OpenAI, with the seven pairs
    "qualiclip_official": "qualiclip",
    "qualiclip_plus": "qualiclip_plus",
    "clipiqa": "clipiqa",
    "clipiqa_pyiqa": "clipiqa_pyiqa",
    "maclip": "",
    "clipiqa_plus": "clipiqa_plus",
    "arniqa": "arniqa",
    "arniqa_trained": "arniqa",
    "arniqa_ou": "",  # published of unknown pristine pictures
    "niqe": "niqe",
    "niqe_fitted": "",
    "ilniqe": "ilniqe",
    "ilniqe_fitted": "",
    "sharpness": "",
}
ROWS = yaml.safe_load(composed("profile=paper"))["methods"]


@pytest.fixture(scope="module")
def small_towers():
    """OpenAI's RN50 with the reference's small towers: of the whole, files take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(open_clip.factory._MODEL_CONFIGS, "RN50-quickgelu", open_clip_config())
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory, small_towers):
    """All weights of the profile in the cache, as `iqa download` leaves them."""
    folder = tmp_path_factory.mktemp("cache")
    kept = folder / "weights"
    kept.mkdir()
    clip = {name: tensor.half().contiguous() for name, tensor in random_clip(1, image=SMALL).items()}
    save_file(clip, kept / "timm--resnet50_clip.openai--open_clip_model.safetensors")
    official = {f"clip_model.{name}": tensor for name, tensor in clip.items()}
    torch.save(
        {**official, "prompts_features": random_prompts_features(2, image=SMALL)}, kept / "qualiclip.pth"
    )
    torch.save(random_context(3), kept / "clipiqa_plus.pth")
    torch.save(
        {"params": {"prompt_learner.ctx": random_context(4, 14)}}, kept / "qualiclip_plus_koniq10k.pth"
    )
    encoder, regressor = arniqa.write_files(kept, arniqa.shallow)
    regressor.rename(kept / "arniqa_regressor_kadid10k.pth")
    assert encoder.name == "ARNIQA.pth"
    weights.niqe_file(kept / "niqe_modelparameters.mat")
    weights.ilniqe_file(kept / "ILNIQE_templateModel.mat")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IQA_CACHE", str(folder))
        patch.setenv("IQA_OFFLINE", "1")
        yield folder


@pytest.fixture(scope="module")
def learnt(cache, tmp_path_factory):
    """What the training of a row adds to its settings; of the trainings themselves nothing is needed here."""
    folder = tmp_path_factory.mktemp("models")
    pictures = [folder / "none.png"]
    torchvision.utils.save_image(torch.rand(3, 128, 128), pictures[0])
    unchanged = {**ROWS["qualiclip"]["train"], "steps": 0, "validate_every": 0, "workers": 1}
    found = {"qualiclip": methods.train("qualiclip", pictures, folder / "q", seed=1, settings=unchanged)}
    save_encoder(Encoder(arniqa.shallow(), 128), folder / "encoder.safetensors")
    arniqa_files = {"encoder": str(folder / "encoder.safetensors"), "protocol": "five-crops"}
    found["arniqa_trained"] = arniqa_files
    for name in ("niqe", "ilniqe"):
        file = folder / f"{name}.mat"
        {"niqe": weights.niqe_file, "ilniqe": weights.ilniqe_file}[name](file)
        found[f"{name}_fitted"] = {"parameters": str(file)}
    return found


def module_of(row):
    return row["code"].removeprefix("methods/").removesuffix(".py")


def card_of(name, learnt):
    row = ROWS[name]
    module = module_of(row)
    if name == "arniqa_ou":  # its loading needs a fit; its card is the module's
        return methods.card(module)
    method = methods.load(module, **{**row.get("load", {}), **learnt.get(name, {})})
    return getattr(method, "card", methods.card(module))


def test_every_row_and_every_label_is_known():
    assert set(PAIRS) == set(ROWS)
    labels = set(published.figures()["method"])
    assert {label for label in PAIRS.values() if label} <= labels
    absent = {
        "brisque",
        "contrique",
        "dubma",  # a path does not say whether the weights are the authors'
        "fgclip_iqa",
        "grepq",
        "hyperiqa",
        "maniqa",
        "mdfs",  # a path does not say whether the pristine features are the authors'
        "qalign",
        "reiqa",
        "topiq_nr",
        "arniqa_ou",
    }
    assert labels - set(PAIRS.values()) == absent


@pytest.mark.parametrize("name", PAIRS)
def test_a_row_stands_beside_the_figures_of_what_it_is(name, learnt):
    assert card_of(name, learnt).published_as == PAIRS[name]


def test_the_settings_are_those_that_the_figures_were_measured_with():
    """Constants of the papers and of pyiqa, as literals."""
    assert GOOD_BAD == (("Good photo.", "Bad photo."),)
    assert prompt_pairs(ROWS["clipiqa"]["load"]["prompts"]) == GOOD_BAD
    assert len(prompt_pairs(ROWS["clipiqa_pyiqa"]["load"]["prompts"])) == 5
    assert len(SEVEN_PAIRS) == 7
    assert ROWS["qualiclip_official"]["load"] == {"weights": "official", "scale": "official"}
    assert ROWS["arniqa"]["load"] == {"regressor_dataset": "kadid10k", "protocol": "five-crops"}
    for name in ("niqe", "ilniqe"):
        assert ROWS[name]["train"] is None
        assert ROWS[name]["load"] == {"weights": "official"}
        assert ROWS[f"{name}_fitted"]["train"]["count"] == 1000
    assert ROWS["arniqa_ou"]["train"]["count"] == 5000


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        ("qualiclip", {"scale": "pyiqa"}),
        ("qualiclip", {"prompts": "clipiqa"}),
        ("clipiqa", {"prompts": "brightness"}),
        ("clipiqa", {"prompts": [["Nice.", "Ugly."]]}),
        ("clipiqa", {"scale": 50.0}),
        ("clipiqa", {"architecture": "small", "pretrained": None}),
        ("maclip", {"architecture": "small", "pretrained": None}),
        ("arniqa", {"protocol": "hub"}),
        ("sharpness", {}),
        ("brisque", {}),
    ],
)
def test_what_was_not_measured_so_stands_beside_nothing(module, settings, cache):
    method = methods.load(module, **settings)
    assert getattr(method, "card", methods.card(module)).published_as == ""


def test_the_defaults_own_methods_are_nobodys_published_ones(cache, tmp_path):
    """The small network that the demo trains is called qualiclip, and is not the paper's."""
    torchvision.utils.save_image(torch.rand(3, 128, 128), tmp_path / "one.png")
    demo = yaml.safe_load(composed())["methods"]["qualiclip"]["train"]
    small = {**demo, "steps": 0, "validate_every": 0}
    found = methods.train("qualiclip", [tmp_path / "one.png"], tmp_path / "out", seed=1, settings=small)
    assert methods.load("qualiclip", **found).card.published_as == ""
