"""Weight files: read without running anything, refused when damaged or when they hold code."""

import pickle
import warnings

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from methods._shared.clip.antonyms import SEVEN_PAIRS
from methods._shared.clip.encoder import SMALL, build
from methods._shared.clip.weights import save_scorer, scorer
from methods._shared.weights import weight_cache
from methods._shared.weights.tensor_files import read_tensors


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3).half()
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("input_resolution", torch.tensor(224))

    def forward(self, x):
        return self.norm(self.conv(x.half()).float())


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = Inner()
        self.logit_scale = nn.Parameter(torch.tensor(4.6))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 2))

    def forward(self, x):
        return self.head(self.visual(x))


@pytest.fixture(scope="module")
def model():
    return Outer().eval()


def check_same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("how", ["trace", "script"])
def test_torchscript_archives_give_their_state_dict(model, tmp_path, how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jit = torch.jit.trace(model, torch.rand(1, 3, 8, 8)) if how == "trace" else torch.jit.script(model)
        jit.save(str(tmp_path / "m.pt"))
    check_same(read_tensors(tmp_path / "m.pt"), model.state_dict())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nest", [None, "state_dict", "params", "model"])
def test_state_dicts_are_found_where_checkpoints_keep_them(model, tmp_path, nest, zipped):
    state = model.state_dict()
    content = {nest: state, "meta": {"epoch": 3}} if nest else state
    torch.save(content, tmp_path / "m.pth", _use_new_zipfile_serialization=zipped)
    check_same(read_tensors(tmp_path / "m.pth"), state)


def test_safetensors_and_lone_tensors(model, tmp_path):
    save_file(model.state_dict(), tmp_path / "m.bin")
    check_same(read_tensors(tmp_path / "m.bin"), model.state_dict())
    torch.save(nn.Parameter(torch.arange(6.0)), tmp_path / "ctx.pth")
    assert torch.equal(read_tensors(tmp_path / "ctx.pth")[""], torch.arange(6.0))


class Evil:
    def __reduce__(self):
        return (print, ("run!",))


@pytest.mark.parametrize("zipped", [True, False, None])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys, zipped):
    path = tmp_path / "evil.pth"
    if zipped is None:
        path.write_bytes(pickle.dumps(Evil()))
    else:
        torch.save({"weight": torch.zeros(2), "x": Evil()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"evil\.pth is a pickle that holds more than tensors"):
        read_tensors(path)
    assert capsys.readouterr().out == ""


def test_code_in_a_torchscript_archive_is_refused(model, tmp_path, capsys):
    import zipfile

    with zipfile.ZipFile(tmp_path / "evil.pt", "w") as archive:
        archive.writestr("evil/constants.pkl", b"")
        archive.writestr("evil/data.pkl", pickle.dumps(Evil(), protocol=2))
    with pytest.raises(ValueError, match=r"evil\.pt .*print, which no file of weights needs"):
        read_tensors(tmp_path / "evil.pt")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["zip", "old", "safetensors", "jit"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated_files_are_named(model, tmp_path, kind, share):
    path = tmp_path / "cut.pth"
    if kind == "safetensors":
        save_file(model.state_dict(), path)
    elif kind == "jit":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.script(model).save(str(path))
    else:
        torch.save(model.state_dict(), path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=r"cut\.pth"):
        read_tensors(path)


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><html>", b"\x00" * 300, b"version https://git-lfs"]
)
def test_what_is_no_weights_file_is_named(tmp_path, content):
    (tmp_path / "junk.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"junk\.pth"):
        read_tensors(tmp_path / "junk.pth")
    with pytest.raises(ValueError, match="no weights at"):
        read_tensors(tmp_path / "absent.pth")
    torch.save({"epoch": 3}, tmp_path / "none.pth")
    with pytest.raises(ValueError, match="holds no named tensors"):
        read_tensors(tmp_path / "none.pth")


def test_the_cache_folder_is_a_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    assert weight_cache.cache_folder() == tmp_path
    monkeypatch.delenv("IQA_CACHE")
    assert weight_cache.cache_folder().name == "qualibench"


def test_the_same_scorer_is_written_to_the_same_bytes(tmp_path):
    clip = build(SMALL, seed=0)
    for index in range(8):  # the order of several metadata entries would differ sooner or later
        save_scorer(
            scorer(clip, SEVEN_PAIRS),
            tmp_path / f"{index}.safetensors",
            SMALL,
            text={"name": "small"},
            notes={"a": "b"},
        )
    assert len({path.read_bytes() for path in tmp_path.glob("*.safetensors")}) == 1
