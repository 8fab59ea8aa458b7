"""ARNIQA against the official code's own scores, and its files: own, official and faulty ones."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from sklearn.linear_model import Ridge
from torch.nn import functional as F
from torchvision import transforms

import methods
from benchmark.protocols import Features, probe
from benchmark.protocols.rows import Resampling
from benchmark.scoring import features_files
from benchmark.scoring.conformance import assert_conforms
from methods import arniqa
from methods._shared.arniqa import encoder as encoders
from methods._shared.arniqa.scales import five_crops, half
from methods.arniqa.regressor import DATASETS, Opinions, fit_regressor, load_regressor
from tests.loopback import Loopback
from tests.reference import arniqa as official

GOLDEN = json.loads((Path(__file__).parent / "golden" / "arniqa.json").read_text())


def tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return official.write_files(tmp_path_factory.mktemp("official"), official.shallow)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return official.write_files(tmp_path_factory.mktemp("small"), official.tiny)


@pytest.fixture
def small(written, narrow_resnets):
    return written


@pytest.mark.parametrize(
    ("protocol", "row"),
    [("hub", GOLDEN[0]), ("hub", GOLDEN[1]), ("hub", GOLDEN[2]), ("five-crops", GOLDEN[1])],
)
def test_scores_are_those_of_the_official_code(files, protocol, row):
    method = methods.load(
        "arniqa",
        encoder=str(files[0]),
        regressor=str(files[1]),
        regressor_dataset="kadid10k",
        protocol=protocol,
    )
    score = method.score(tensor(official.picture(*row["size"])))
    assert score.item() == pytest.approx(row[protocol], abs=1e-5)


def test_the_readme_of_arniqa_gives_the_authors_scores(files, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    for file, name in zip(files, ("ARNIQA.pth", "arniqa_regressor_kadid10k.pth"), strict=True):
        (tmp_path / "weights" / name).symlink_to(file)
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    top, row = str(Path(__file__).parents[2]), GOLDEN[1]
    model = torch.hub.load(repo_or_dir=top, source="local", model="ARNIQA", regressor_dataset="kadid10k")
    device = torch.device("cuda") if torch.cuda.is_available() else "cpu"
    model.eval().to(device)
    normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    preprocess = transforms.Compose([transforms.ToTensor(), normalize])
    Image.fromarray(official.picture(*row["size"])).save(tmp_path / "a.png")
    img = Image.open(tmp_path / "a.png").convert("RGB")
    img_ds = transforms.Resize((img.size[1] // 2, img.size[0] // 2))(img)
    img, img_ds = (preprocess(scale).unsqueeze(0).to(device) for scale in (img, img_ds))
    with torch.no_grad():
        score = model(img, img_ds, return_embedding=False, scale_score=True)
        unscaled, embedding = model(img, img_ds, return_embedding=True, scale_score=False)
    assert score.item() == pytest.approx(row["hub"], abs=1e-5)
    assert unscaled.item() == pytest.approx(row["unscaled"], abs=1e-5)
    np.testing.assert_allclose(embedding[0, :: official.EVERY].cpu(), row["embedding"], atol=1e-5)


@pytest.mark.parametrize("protocol", ["hub", "five-crops"])
def test_a_module_differs_from_the_method_by_rounding_the_half_scale_alone(small, protocol):
    method = methods.load("arniqa", encoder=small[0], regressor=small[1], protocol=protocol)
    image = tensor(official.picture(231, 315))
    expected = method.score(image)
    image.requires_grad_()
    found = method.as_module()(image)
    torch.testing.assert_close(found.detach(), expected, atol=2e-3, rtol=0)
    found.sum().backward()
    assert image.grad.abs().sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: "x".join(map(str, row["size"])))
def test_five_crops_of_every_size_are_those_of_the_official_code(files, row):
    method = methods.load("arniqa", encoder=str(files[0]), regressor=str(files[1]), protocol="five-crops")
    score = method.score(tensor(official.picture(*row["size"])))
    assert score.item() == pytest.approx(row["five-crops"], abs=1e-5)


@pytest.mark.parametrize("protocol", ["hub", pytest.param("five-crops", marks=pytest.mark.slow)])
def test_it_keeps_its_promises(small, protocol):
    method = methods.load("arniqa", encoder=str(small[0]), regressor=str(small[1]), protocol=protocol)
    assert_conforms(method, method.card, features=True)


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_scores_are_scaled_from_the_range_of_the_opinions(small, tmp_path, dataset):
    path = shutil.copy(small[1], tmp_path / f"regressor_{dataset}.pth")
    regressor = load_regressor(path, 256, dataset)
    low, high = DATASETS[dataset].low, DATASETS[dataset].high
    features = torch.rand(3, 256)
    opinion = official.Ridge(256)(features).detach()
    share = (opinion - low) / (high - low)
    expected = share if dataset not in ("live", "csiq") else 1 - share
    torch.testing.assert_close(regressor(features), expected, atol=1e-5, rtol=1e-5)


def test_a_published_regressor_of_another_data_set_than_told_is_refused(small, tmp_path):
    """Range and direction are no part of the file: of LIVE's DMOS the scores would be turned."""
    path = tmp_path / "regressor_live.pth"
    shutil.copy(small[1], path)
    with pytest.raises(ValueError, match="is of live by its name, and regressor_dataset='kadid10k'"):
        methods.load("arniqa", encoder=str(small[0]), regressor=str(path))
    told = {"encoder": str(small[0]), "regressor_dataset": "live"}
    picture = torch.rand(1, 3, 64, 64)
    bare = methods.load("arniqa", **told, regressor=str(shutil.copy(path, tmp_path / "r.pth"))).score(picture)
    assert torch.equal(methods.load("arniqa", **told, regressor=str(path)).score(picture), bare)


@pytest.mark.parametrize("size", [(231, 315), (64, 65), (3, 2)])
@pytest.mark.parametrize("kind", ["bilinear", "bicubic"])
def test_half_scale_is_pillows(size, kind):
    pixels = official.picture(*size)
    expected = Image.fromarray(pixels).resize((size[1] // 2, size[0] // 2), Image.Resampling[kind.upper()])
    assert torch.equal(half(tensor(pixels), kind), tensor(np.array(expected)))


@pytest.mark.parametrize("size", [(300, 260), (224, 224), (97, 401), (50, 60)])
def test_five_crops_are_torchvisions(size):
    pixels = official.picture(*size)
    height, width = size
    corners = [(height // 2 - 112, width // 2 - 112), (0, 0), (height - 224, 0), (0, width - 224)]
    corners.append((height - 224, width - 224))
    image = Image.fromarray(pixels)
    expected = [torchvision.transforms.functional.crop(image, *corner, 224, 224) for corner in corners]
    for crop, picture in zip(five_crops(tensor(pixels))[0], expected, strict=True):
        assert torch.equal(crop, tensor(np.array(picture))[0])


def test_probes_see_both_scales_and_all_crops(small, tmp_path):
    network = encoders.load_encoder(small[0])
    pixels = official.picture(240, 230)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = tensor(pixels)
    whole = methods.load("arniqa", encoder=str(small[0]))
    with torch.no_grad():
        expected = torch.cat([network(image), network(half(image))], 1)
    torch.testing.assert_close(whole.features(image), expected)
    torch.testing.assert_close(expected.square().sum(1), torch.tensor([2.0]))
    crops = methods.load("arniqa", encoder=str(small[0]), protocol="five-crops")
    names, rows, _ = features_files(["a.png", "a.png"], crops, root=tmp_path)
    assert (names, rows.shape) == (["a.png"] * 10, (10, 256))
    with torch.no_grad():
        centre = network(image[:, :, 8:232, 3:227])
    torch.testing.assert_close(torch.from_numpy(rows[:1, :128]), centre)


def test_crops_of_a_picture_go_through_a_probe_together():
    rng = np.random.default_rng(0)
    mos = rng.uniform(1, 5, 60)
    rows = mos[:, None, None] * rng.normal(size=6) + 0.1 * rng.normal(size=(60, 5, 6))
    names = [f"{i}.png" for i in range(60)]
    features = Features.of(np.repeat(names, 5), rows.reshape(-1, 6))
    manifest = pd.DataFrame({"image": names, "mos": mos})
    table = probe(features, manifest, mos_higher_is_better=True, how=Resampling(100))
    assert table.set_index("statistic").loc["srcc", "value"] > 0.98


@pytest.mark.parametrize("higher", [True, False])
def test_a_regressor_of_ones_own_is_ridge_over_the_crops(tmp_path, higher):
    rng = np.random.default_rng(1)
    values, opinions = rng.normal(size=(40, 5, 8)), rng.uniform(0, 10, 40)
    names = [f"{i}.png" for i in range(40)]
    path = tmp_path / "own.safetensors"
    features = Features.of(np.repeat(names, 5), values.reshape(-1, 8))
    manifest = pd.DataFrame({"image": names, "mos": opinions})
    alpha = fit_regressor(features, manifest, path, scale=Opinions(0, 10, higher_is_better=higher))
    ridge = Ridge(alpha=alpha).fit(values.reshape(-1, 8), np.repeat(opinions, 5))
    share = ridge.predict(values[0]) / 10
    found = load_regressor(path, 8, "kadid10k")(torch.from_numpy(values[0]))
    np.testing.assert_allclose(found, share if higher else 1 - share, atol=1e-5)


def test_an_encoder_alone_has_features_and_says_why_it_has_no_scores(small):
    method = methods.load("arniqa", encoder=str(small[0]))
    assert not method.card.opinion_aware
    with pytest.raises(ValueError, match="no scores of its own; set `regressor`"):
        method.score(torch.rand(1, 3, 64, 64))


def test_checkpoints_of_the_official_training_and_without_projector_are_read(small, tmp_path):
    state = torch.load(small[0])
    torch.save({f"encoder.{name}": value for name, value in state.items()}, tmp_path / "simclr.pth")
    torch.save({n: v for n, v in state.items() if n.startswith("model.")}, tmp_path / "bare.pth")
    image = torch.rand(1, 3, 64, 80)
    expected = methods.load("arniqa", encoder=str(small[0])).features(image)
    for name in ("simclr.pth", "bare.pth"):
        assert torch.equal(methods.load("arniqa", encoder=str(tmp_path / name)).features(image), expected)


class Malicious:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code has run')",))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("missing", "no weights at"),
        ("truncated", "truncated"),
        ("code", "could run any code"),
        ("other", "no encoder of ARNIQA"),
        ("shape", "does not fit"),
        ("lacking", "missing"),
    ],
)
def test_a_faulty_encoder_is_refused(small, tmp_path, fault, says):
    path, state = tmp_path / "ARNIQA.pth", torch.load(small[0])
    if fault == "truncated":
        path.write_bytes(small[0].read_bytes()[:-1000])
    if fault == "code":
        torch.save({"model.0.weight": Malicious()}, path)
    if fault == "other":
        torch.save({"visual.conv1.weight": torch.zeros(3)}, path)
    if fault == "shape":
        torch.save({**state, "model.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    if fault == "lacking":
        torch.save({n: v for n, v in state.items() if n != "model.4.0.conv2.weight"}, path)
    with pytest.raises(ValueError, match=says) as caught:
        methods.load("arniqa", encoder=str(path))
    assert "ARNIQA.pth" in str(caught.value)


def test_a_faulty_regressor_is_refused(small, tmp_path):
    with pytest.raises(ValueError, match="is not a regressor of ARNIQA"):
        methods.load("arniqa", encoder=str(small[0]), regressor=str(small[0]))
    torch.save({"weights": torch.zeros(1, 4096), "biases": torch.zeros(())}, tmp_path / "r.pth")
    with pytest.raises(ValueError, match="weighs 4096 features; this encoder has 256"):
        methods.load("arniqa", encoder=str(small[0]), regressor=str(tmp_path / "r.pth"))
    with pytest.raises(ValueError, match="did you mean 'kadid10k'"):
        methods.load("arniqa", encoder=str(small[0]), regressor=str(small[1]), regressor_dataset="kadid")
    with pytest.raises(ValueError, match=r"load\.protocol: .*'hub' or 'five-crops'"):
        methods.load("arniqa", encoder=str(small[0]), protocol="crops")


RELEASE = "/github.com/miccunifi/ARNIQA/releases/download/weights"


@pytest.fixture
def release(small, tmp_path, monkeypatch):
    """The official release, served from this machine, and an empty cache."""
    contents = {f"{RELEASE}/{path.name}": path.read_bytes() for path in small}
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("IQA_OFFLINE", raising=False)
    with Loopback(contents).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        yield server


def test_published_weights_are_fetched_once_and_then_need_no_network(small, release, monkeypatch):
    image = torch.rand(1, 3, 64, 80)
    expected = methods.load("arniqa", encoder=str(small[0]), regressor=str(small[1])).score(image)
    assert torch.equal(methods.load("arniqa").score(image), expected)
    assert [path for path, _ in release.requests] == [f"{RELEASE}/{path.name}" for path in small]
    monkeypatch.setenv("IQA_OFFLINE", "1")
    assert torch.equal(methods.load("arniqa", regressor_dataset="kadid10k").score(image), expected)
    with pytest.raises(ValueError, match=r"regressor_koniq10k\.pth.*IQA_OFFLINE"):
        methods.load("arniqa", regressor_dataset="koniq10k")
    assert len(release.requests) == 2


def test_a_cached_file_that_was_changed_is_refused_before_it_is_read(release, tmp_path):
    methods.load("arniqa")
    cached = tmp_path / "cache" / "weights" / "ARNIQA.pth"
    content = bytearray(cached.read_bytes())
    content[len(content) // 2] ^= 255
    cached.write_bytes(content)
    with pytest.raises(ValueError, match=r"ARNIQA\.pth.*sha256"):
        methods.load("arniqa")


def test_training_starts_from_weights_with_torchvisions_names(narrow_resnets, tmp_path):
    state = {
        name: official.random_tensor(name, value.shape)
        for name, value in official.tiny().state_dict().items()
    }
    torch.save(state, tmp_path / "imagenet.pth")
    encoder = encoders.build("small", seed=0)
    encoders.start(encoder, "small", str(tmp_path / "imagenet.pth"))
    network = official.tiny().eval()
    network.load_state_dict(state)
    network.fc = torch.nn.Identity()
    image = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (encoders.MEAN, encoders.STD))
    with torch.no_grad():
        torch.testing.assert_close(encoder(image), F.normalize(network((image - mean) / std)))
    with pytest.raises(ValueError, match="does not fit"):
        encoders.start(encoders.build("resnet18", seed=0), "resnet18", str(tmp_path / "imagenet.pth"))
    with pytest.raises(ValueError, match="no weights of 'small'"):
        encoders.start(encoder, "small", "imagenet")


def test_an_encoder_is_written_and_read(small, tmp_path):
    encoder = encoders.load_encoder(small[0])
    encoders.save_encoder(encoder, tmp_path / "e.safetensors")
    again = encoders.load_encoder(tmp_path / "e.safetensors").state_dict()
    for name, value in encoder.state_dict().items():
        assert torch.equal(again[name], value), name


@pytest.mark.parametrize(
    ("protocol", "width", "name"),
    [("five-crops", 2048, "arniqa"), ("hub", 2048, ""), ("five-crops", 512, "")],
)
def test_published_figures_are_those_of_a_resnet_50_and_five_crops(protocol, width, name):
    scales = SimpleNamespace(encoder=SimpleNamespace(width=width))
    assert arniqa._published_as(scales, protocol) == name


@pytest.mark.parametrize("published", [True, False])
def test_of_the_published_encoder_alone_it_is_known_what_it_has_seen(small, monkeypatch, published):
    own = arniqa.load_features(small[0])
    monkeypatch.setattr(arniqa, "load_features", lambda encoder: own)
    encoder = "official" if published else small[0]
    card = methods.load("arniqa", encoder=encoder, regressor=small[1]).card
    assert card.exposure == ((arniqa.IMAGENET, arniqa.KADIS) if published else None)
