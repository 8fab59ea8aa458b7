"""Pictures that processes decode: the same bytes, refusals and notices; nobody and nothing is left behind."""

import multiprocessing
import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.images import ImageError, decoders, processes, read_samples
from benchmark.scoring import stream
from experiments.scoring import local
from tests import apart


@pytest.fixture(autouse=True, scope="module")
def _server():
    apart.serve()


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    bytes_ = random.integers(0, 256, (40, 60, 4), dtype=np.uint8)
    Image.fromarray(bytes_[..., :3]).save(tmp_path / "photograph.jpg")
    Image.fromarray(bytes_).save(tmp_path / "transparent.png")
    Image.fromarray(bytes_[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    pages = [Image.fromarray(bytes_[..., page]) for page in range(2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    whole = (tmp_path / "photograph.jpg").read_bytes()
    (tmp_path / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").touch()
    return tmp_path


def told(reader, path, short_side):
    """What a reader gives, what it says, and what it asks for before."""
    asked = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            given = reader(str(path), short_side, asked.append)
        except ImageError as error:
            given = str(error)
    return given, [(one.category, str(one.message)) for one in caught], asked


@pytest.mark.parametrize("slot", [processes.SLOT, 1])
def test_what_a_process_decodes_is_what_this_one_decodes(folder, monkeypatch, slot):
    monkeypatch.setattr(processes, "SLOT", slot)  # of one byte, all pictures go through the pipe
    monkeypatch.chdir(folder)
    names = [*sorted(os.listdir(folder)), "missing.png"]
    with decoders(1) as reader:
        for name in names:
            for short_side in (0, 20):
                here, there = (told(of, name, short_side) for of in (read_samples, reader))
                if isinstance(here[0], torch.Tensor):
                    assert here[0].dtype == there[0].dtype
                    assert torch.equal(here[0], there[0])
                    assert here[2] == [2400]
                else:
                    assert here[0] == there[0]
                    assert name in there[0]
                assert here[1:] == there[1:]
    said = {name: told(read_samples, name, 0) for name in names}
    assert sum(isinstance(given, str) for given, _, _ in said.values()) == 3
    assert sum(bool(notices) for _, notices, _ in said.values()) == 2
    assert said["deep.png"][0].dtype == torch.float32


def test_a_notice_that_is_an_error_is_one_and_the_next_picture_is_read(folder, monkeypatch):
    monkeypatch.setattr(processes, "SLOT", 1)
    with decoders(1) as reader:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match="over white"):
                reader(str(folder / "transparent.png"), 0, lambda _: None)
        assert reader(str(folder / "deep.png"), 0, lambda _: None).dtype == torch.float32


def test_a_stream_has_each_picture_in_its_place(tmp_path):
    names = [f"{value}.png" for value in range(60)]
    for value, name in enumerate(names):
        Image.new("RGB", (8 + value % 3, 8), (value,) * 3).save(tmp_path / name)
    names[30:30] = ["missing.png"]
    with decoders(2) as reader:
        found = [
            result
            for part in stream(
                names, lambda images: images[:, 0, 0, 0].float(), root=tmp_path, workers=5, reader=reader
            )
            for result in part
        ]
    assert not multiprocessing.active_children()
    values = {result.index: result.value for result in found}
    assert values.pop(30) is None
    assert {names[index]: value.item() for index, value in values.items()} == {
        f"{value}.png": value for value in range(60)
    }


def test_a_process_that_dies_is_no_fault_of_the_picture(folder):
    with decoders(1) as reader:
        (process,) = multiprocessing.active_children()
        process.kill()
        with pytest.raises(RuntimeError, match=r"photograph\.jpg: .* \(exit code -9\).* --workers"):
            reader(str(folder / "photograph.jpg"), 0, lambda _: None)


def _decodes(say):
    with decoders(2):
        say([process.pid for process in multiprocessing.active_children()])
        time.sleep(600)


def test_processes_end_with_the_one_that_asked_for_them():
    ((first, second),) = apart.heard(_decodes, 1)
    for pid in (first, second):
        for _ in range(300):
            try:
                if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                    break
            except OSError:
                break
            time.sleep(0.1)
        else:
            os.kill(pid, signal.SIGKILL)
            pytest.fail("a process goes on alone")


def test_few_pictures_and_slow_devices_are_read_by_threads(folder):
    for fast, count, dtype in [(False, 2, torch.float32), (True, 0, torch.uint8), (True, 1, torch.uint8)]:
        with local._reader(fast, count) as reader:
            assert len(multiprocessing.active_children()) == fast * count
            assert reader(str(folder / "photograph.jpg"), 0, lambda _: None).dtype == dtype
