"""Published weights are fetched once from their addresses, checked, and missed in one calm line."""

import hashlib
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

import methods
from experiments.cli import app
from experiments.settings import MethodSettings, compose
from methods._shared.weights.weight_cache import weights_file
from tests.reference.clip_state import SMALL, pictures, random_clip, random_prompts_features


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server on this machine that stands for all others; its folder is laid out by host."""
    root = tmp_path / "served"
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(root))

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("IQA_MIRROR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    root.mkdir()
    yield root, asked
    server.shutdown()
    server.server_close()


def put(root, address, content):
    path = root / address
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)


def test_the_official_checkpoint_is_fetched_once_and_checked_ever_after(server, tmp_path, monkeypatch):
    root, asked = server
    official = {f"clip_model.{k}": v for k, v in random_clip(1, image=SMALL).items()}
    official["prompts_features"] = random_prompts_features(2, image=SMALL)
    put(root, "github.com/miccunifi/QualiCLIP/releases/download/weights/qualiclip.pth", official)
    first = methods.load("qualiclip").score(pictures()[0])
    monkeypatch.setenv("IQA_OFFLINE", "1")
    assert torch.equal(methods.load("qualiclip", weights="official").score(pictures()[0]), first)
    assert len(asked) == 1
    (tmp_path / "cache/weights/qualiclip.pth").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"qualiclip\.pth: its sha256 is .* delete it"):
        methods.load("qualiclip")


def test_a_mirror_takes_the_place_of_an_address_that_is_gone(server):
    root, asked = server
    put(root, "second.org/w.pth", {"a": torch.ones(1)})
    path = weights_file("w.pth", ["https://first.org/w.pth", "https://second.org/w.pth"])
    assert path.name == "w.pth"
    assert asked == ["/first.org/w.pth", "/second.org/w.pth"]


def test_openai_weights_of_the_wrong_digest_are_refused(server, monkeypatch):
    root, _ = server
    digest = "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762"
    put(root, f"openaipublic.azureedge.net/clip/models/{digest}/RN50.pt", {"a": torch.ones(1)})
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between one turn and the next
    with pytest.raises(ValueError, match="weights 'openai' of RN50-quickgelu"):
        methods.load("clipiqa")


def test_download_brings_weights_once_and_says_which_it_cannot(server, monkeypatch):
    root, asked = server
    own = {
        "mine": MethodSettings(code="methods/qualiclip", train=None),
        "plain": MethodSettings(code="methods/niqe.py"),
    }
    profile = SimpleNamespace(prepare=SimpleNamespace(datasets=[], settings={}), methods=own)
    monkeypatch.setattr(compose, "profile_settings", lambda name: profile)
    run = CliRunner()
    first = run.invoke(app, ["download", "--profile", "own"])
    assert first.exit_code == 3
    assert "error: mine: " in first.output
    assert "1 of 2 are missing" in first.output
    official = {f"clip_model.{k}": v for k, v in random_clip(1, image=SMALL).items()}
    official["prompts_features"] = random_prompts_features(2, image=SMALL)
    put(root, "github.com/miccunifi/QualiCLIP/releases/download/weights/qualiclip.pth", official)
    assert run.invoke(app, ["download", "--profile", "own"]).exit_code == 0
    asked.clear()
    monkeypatch.setenv("IQA_OFFLINE", "1")
    assert run.invoke(app, ["download", "--method", "qualiclip"]).exit_code == 0
    assert not asked
    misspelt = run.invoke(app, ["download", "--method", "qualiclipp"])
    assert "did you mean 'qualiclip'" in str(misspelt.exception)  # before anything is fetched


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("qualiclip", {"steps": 1}),
        ("clipiqa_plus", {}),
        ("qualiclip_plus", {}),
        ("arniqa", {}),
        ("arniqa_ou", {}),
    ],
)
def test_what_training_starts_from_is_fetched_too(tmp_path, monkeypatch, name, settings):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    monkeypatch.setenv("IQA_OFFLINE", "1")
    with pytest.raises(ValueError, match="IQA_OFFLINE forbids fetching it"):
        methods.fetch(name, train_settings=settings, load_settings={})


@pytest.mark.parametrize("name", ["clipiqa", "qualiclip", "clipiqa_plus", "qualiclip_plus"])
def test_without_network_the_error_is_one_line(tmp_path, monkeypatch, capfd, name):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    monkeypatch.setenv("IQA_OFFLINE", "1")
    with pytest.raises(ValueError, match="IQA_OFFLINE forbids fetching it") as caught:
        methods.load(name)
    assert "\n" not in str(caught.value)
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_what_huggingface_hub_has_fetched_is_not_fetched_again(tmp_path, monkeypatch):
    address = "https://huggingface.co/own/set/resolve/main/w.pt"
    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    folder = tmp_path / "home/hub/models--own--set"
    for name in ("refs", "blobs", "snapshots/1234"):
        (folder / name).mkdir(parents=True)
    (folder / "refs/main").write_text("1234")
    (folder / f"blobs/{digest}").write_bytes(content)
    (folder / "snapshots/1234/w.pt").symlink_to(f"../../blobs/{digest}")
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IQA_OFFLINE", "1")
    assert weights_file("w.pt", [address]).read_bytes() == content
    assert weights_file("w.pt", [address], digest).read_bytes() == content
    (folder / f"blobs/{digest}").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"w\.pt: its sha256 is not"):
        weights_file("w.pt", [address])
    with pytest.raises(ValueError, match="IQA_OFFLINE forbids"):
        weights_file("other.pt", ["https://huggingface.co/own/set/resolve/main/other.pt"])


def test_weights_of_a_read_only_folder_are_used(tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    (shared / "weights").mkdir(parents=True)
    (shared / "weights/w.pt").write_bytes(b"weights")
    mounted = subprocess.run(["mount", "--bind", "-o", "ro", shared, shared], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a folder read-only")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", shared], capture_output=True)
        with pytest.raises(OSError, match="Read-only"):
            (shared / "weights/probe").touch()
        monkeypatch.setenv("IQA_CACHE", str(shared))
        assert weights_file("w.pt", ["https://example.org/w.pt"]).read_bytes() == b"weights"
        with pytest.raises(ValueError, match=r"v\.pt: cannot be written \(.*Read-only"):
            weights_file("v.pt", ["https://example.org/v.pt"])
    finally:
        subprocess.run(["umount", shared], check=True)
