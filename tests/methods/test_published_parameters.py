"""Published pristine parameters of NIQE and IL-NIQE: fetched once, checked, read in their true formats."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import methods
from benchmark import files
from experiments.cli import app
from methods import ilniqe, niqe
from methods._shared.weights import weight_cache
from tests.loopback import Loopback
from tests.reference import niqe as plain
from tests.rehearsal import weights

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
HUB = "/huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main"
COPIES = {
    "niqe": (f"{HUB}/niqe_modelparameters.mat", weights.niqe_file),
    "ilniqe": (f"{HUB}/ILNIQE_templateModel.mat", weights.ilniqe_file),
}
RAW = "/raw.githubusercontent.com"
AUTHORS = {
    "niqe": f"{RAW}/utlive/niqe/d80aead297ff48b0254c39806f3a277b3ecbfc8d/modelparameters.mat",
    "ilniqe": f"{RAW}/IceClear/IL-NIQE/57e9dfa2378a316e7e0eba3a9cfb5e91d1ece491/templateModel.mat",
}
PHOTOGRAPH = torch.from_numpy(skimage.data.coffee()[:200, :300]).permute(2, 0, 1)[None].float() / 255


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Both files in MATLAB's format, at the address of their copies."""
    files = {}
    for name, (address, write) in COPIES.items():
        write(tmp_path / f"{name}.mat")
        files[address] = (tmp_path / f"{name}.mat").read_bytes()
    monkeypatch.setattr(weight_cache, "PATIENCE", weight_cache.Patience(rounds=1))
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    server = Loopback(files)
    with server.running():
        monkeypatch.setenv("IQA_MIRROR", server.url)
        yield server


def test_niqe_takes_the_published_parameters_unless_told_otherwise(served, tmp_path, monkeypatch):
    expected = scipy.io.loadmat(tmp_path / "niqe.mat")
    found = methods.load("niqe")
    assert np.array_equal(found.mean, expected["mu_prisparam"][0])
    assert np.array_equal(found.covariance, expected["cov_prisparam"])
    assert (found.patch, found.card.title, found.card.published_as) == (96, "NIQE", "niqe")
    pixels = (PHOTOGRAPH[0] * 255).round().byte().permute(1, 2, 0).numpy()
    score = plain.score(pixels, expected["mu_prisparam"][0], expected["cov_prisparam"])
    assert found.score(PHOTOGRAPH).item() == pytest.approx(score, rel=1e-5)
    asked = len(served.requests)
    assert served.requests[0][0] == AUTHORS["niqe"]  # the authors' file comes first, by its digest
    monkeypatch.setenv("IQA_OFFLINE", "1")
    again = methods.load("niqe", weights="official", patch=96)
    assert torch.equal(again.mean, found.mean)
    assert len(served.requests) == asked


def test_ilniqe_takes_the_published_parameters_unless_told_otherwise(served, tmp_path):
    cells = scipy.io.loadmat(tmp_path / "ilniqe.mat")["templateModel"][0]
    found = methods.load("ilniqe")
    assert (found.card.title, found.card.published_as) == ("IL-NIQE", "ilniqe")
    for part, cell in zip(("mean", "covariance", "centre", "axes"), cells, strict=True):
        assert np.array_equal(
            getattr(found.pristine, part), cell.reshape(getattr(found.pristine, part).shape)
        )
    assert found.pristine.axes.shape == (468, 430)
    assert served.requests[0][0] == AUTHORS["ilniqe"]
    assert CliRunner().invoke(app, ["download", "--method", "niqe", "--method", "ilniqe"]).exit_code == 0


@pytest.mark.parametrize("name", COPIES)
def test_another_file_at_the_authors_address_is_not_taken(served, name):
    """It has the right format, and other numbers: the digest tells."""
    served.files[AUTHORS[name]] = served.files.pop(COPIES[name][0])
    with pytest.raises(ValueError, match="the published pristine parameters cannot be had") as caught:
        methods.load(name)
    assert "its size or sha256 is not the one given" in str(caught.value)
    assert not list((weight_cache.cache_folder() / "weights").glob("*.mat"))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_that_has_changed_since_its_first_use_is_refused(served, name):
    methods.load(name)
    copy = weight_cache.cached(Path(COPIES[name][0]).name)
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"its sha256 is .*, expected"):
        methods.load(name)


@pytest.mark.parametrize("name", COPIES)
def test_without_network_the_cures_are_named_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    monkeypatch.setenv("IQA_OFFLINE", "1")
    with pytest.raises(ValueError, match="the published pristine parameters cannot be had") as caught:
        methods.load(name)
    said = str(caught.value)
    assert "\n" not in said
    for cure in ("unset IQA_OFFLINE", "put the file there", f"`iqa train {name} --images FOLDER --out OUT`"):
        assert cure in said


@pytest.mark.parametrize("name", COPIES)
def test_a_file_placed_by_hand_needs_no_network(tmp_path, monkeypatch, name):
    address, write = COPIES[name]
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    monkeypatch.setenv("IQA_OFFLINE", "1")
    (tmp_path / "weights").mkdir()
    write(tmp_path / "weights" / Path(address).name)
    assert methods.load(name).card.published_as == name


@pytest.mark.parametrize("name", COPIES)
def test_a_file_of_ones_own_is_not_the_published_one(tmp_path, name):
    COPIES[name][1](tmp_path / "mine.mat")
    found = methods.load(name, weights=str(tmp_path / "mine.mat"))
    assert (found.card.published_as, "fitted here" in found.card.title) == ("", True)


def test_a_known_file_is_the_published_one_wherever_it_lies(tmp_path, monkeypatch):
    COPIES["niqe"][1](tmp_path / "named otherwise.mat")
    digest = weight_cache.Source("a", "b", files.sha256_of(tmp_path / "named otherwise.mat"))
    monkeypatch.setattr(niqe, "SOURCES", (digest,))
    assert methods.load("niqe", weights=str(tmp_path / "named otherwise.mat")).card.published_as == "niqe"


@given(share=st.floats(0, 1, exclude_max=True), name=st.sampled_from(sorted(COPIES)))
@settings(deadline=None, max_examples=40)
def test_a_file_that_was_cut_is_refused_by_its_name(tmp_path_factory, share, name):
    path = tmp_path_factory.mktemp("damaged") / "p.mat"
    COPIES[name][1](path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=str(path)):
        methods.load(name, weights=str(path))


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("ending", [".pkl", ".npz", ".mat"])
def test_a_pickle_is_refused_unopened(tmp_path, name, ending):
    path = tmp_path / f"parameters{ending}"
    path.write_bytes(pickle.dumps({"mu_pris_param": Loud()}))
    with pytest.raises(ValueError, match="cannot be read as"):
        methods.load(name, weights=str(path))


class Loud:
    def __reduce__(self):
        return pytest.fail, ("the pickle was run",)


def test_a_patch_of_another_size_than_the_published_is_refused():
    with pytest.raises(ValueError, match="of patches of 96 pixels; remove the setting patch=32"):
        methods.load("niqe", patch=32)


def test_digests_are_those_of_the_files_at_the_commits_named():
    """As computed of the blobs of these commits; the addresses hold the commit, so they cannot change."""
    found = {source.url.split("/")[3]: source.sha256 for source in (*niqe.SOURCES, *ilniqe.SOURCES)}
    assert found["utlive"] == "fa2aa4d12dd9595c3fb6bf8b4e1a15c79d5d1469238d0901c88dead195be578d"
    assert found["XPixelGroup"] == "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296"
    assert found["IceClear"] == "14f4919a630498d732bbf11837d894d45a57f89c9ed84bea98851147290ce93c"
    assert found["chaofengc"] is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the parameters in ../shared/data")
@pytest.mark.shared
def test_the_real_file_is_known_by_its_digest_and_holds_what_is_read():
    file = SHARED / "niqe/niqe_pris_params.npz"
    found = methods.load("niqe", weights=str(file))
    assert found.card.published_as == "niqe"
    entries = np.load(file)
    assert np.array_equal(found.mean, entries["mu_pris_param"][0])
    assert np.array_equal(found.covariance, entries["cov_pris_param"])
    assert found.patch == 96
