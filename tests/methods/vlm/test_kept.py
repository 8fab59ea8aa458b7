"""What is kept of answers, and what they took."""

import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import methods
from methods.vlm import kept, reading
from methods.vlm.asking import EndpointError
from tests import apart
from tests.methods.vlm.endpoint import (
    Endpoint,
    files_in,
    grey,
    later,
    load,
    one,
    said,
)


def test_a_rerun_asks_nothing_and_gives_the_same():
    with Endpoint().running() as server:
        first = load(server).score(grey(3))
        again = load(server, timeout=9.0, concurrency=1, price_in=2.0, retries=0).score(grey(3).flip(0))
    assert len(server.requests) == 3
    assert torch.equal(first, again.flip(0))
    with pytest.MonkeyPatch.context() as patch:  # and neither needs the endpoint nor the key
        patch.setenv("IQA_OFFLINE", "1")
        patch.delenv("OPENAI_API_KEY")
        assert torch.equal(load(server).score(grey(3)), first)
        with pytest.raises(EndpointError, match="IQA_OFFLINE forbids asking"):
            load(server).score(grey(4))


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Rate it."},
        {"system": "You are strict."},
        {"temperature": 0.5},
        {"seed": 1},
        {"seed": None},
        {"max_tokens": 99},
        {"extra": {"top_k": 1}},
        {"image_first": False},
        {"prefix": "It is"},
        {"model": "other"},
    ],
)
def test_what_could_change_an_answer_is_asked_anew(other):
    with Endpoint().running() as server:
        load(server).score(grey())
        methods.load("vlm", **{"endpoint": server.url, "model": "some/VLM-7B", **other}).score(grey())
        load(server).score(1 - grey())
        load(server).score(grey().reshape(1, 3, 32, 24))
    assert len(server.requests) == 4


def test_how_an_answer_is_read_is_not_asked_anew():
    with Endpoint(said("3.5")).running() as server:
        assert one(server) == 3.5
        assert one(server, pattern="([0-9])[.]") == 3
        with pytest.raises(ValueError, match="not on the scale"):
            one(server, low=4, high=9)
    assert len(server.requests) == 1


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "other", "folder"])
def test_a_broken_entry_is_asked_again(damage):
    with Endpoint().running() as server:
        score = one(server)
        path = next(p for p in files_in(os.environ["IQA_CACHE"]) if p.parent.parent.name == "answers")
        content = path.read_bytes()
        text = re.sub(rb'"text": "[0-9.]+"', b'"text": "2.000"', content)
        assert text != content
        harm = {
            "empty": b"",
            "cut": content[:-20],
            "changed": text,
            "other": b'{"layout": 1}',
            "folder": b"[" * 9**5,
        }
        path.write_bytes(harm[damage])
        assert one(server) == score
        assert path.read_bytes() == content
        assert one(server) == score
    assert len(server.requests) == 2


def test_a_part_of_the_request_can_be_dropped_or_renamed():
    with Endpoint().running() as server:
        one(server, extra={"max_tokens": None, "seed": None, "max_completion_tokens": 9})
    assert not {"max_tokens", "seed"} & set(server.bodies[0])
    assert server.bodies[0]["max_completion_tokens"] == 9


def test_the_first_of_two_answers_stands(monkeypatch):
    with Endpoint(said("2")).running() as server:
        method = load(server)
        assert method.score(grey()).item() == 2
        key = next(p.stem for p in files_in(method.kept.folder / "answers"))
        assert method.kept.put(key, reading.Completion("3")).text == "2"
        monkeypatch.setattr(Path, "exists", lambda path: False)  # it came after one had looked
        assert method.kept.put(key, reading.Completion("4")).text == "2"
    assert not list(method.kept.folder.rglob("*.tmp"))


def test_a_disk_without_hard_links_will_do(monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(kept.os, "link", refused)
    with Endpoint().running() as server:
        assert one(server) == one(server)
    assert len(server.requests) == 1


def test_nothing_is_asked_that_could_not_be_kept(tmp_path):
    (tmp_path / "file").touch()
    with Endpoint().running() as server, pytest.raises(OSError, match="answers cannot be kept"):
        one(server, cache=str(tmp_path / "file"))
    assert not server.requests


def scores(say, url, bytes_):
    images = torch.from_numpy(bytes_) / 255
    say(methods.load("vlm", endpoint=url, model="m", concurrency=1).score(images).tolist())


def test_processes_share_the_answers():
    """The answers differ from request to request, so only shared ones are the same in both."""
    bytes_ = np.random.default_rng(3).integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
    images = torch.from_numpy(bytes_) / 255
    begun, numbers = threading.Event(), iter(range(100))

    def answer(pixels):
        begun.set()
        return said(f"{1 + next(numbers) / 100}")

    with Endpoint(answer=answer).running() as server:
        with ThreadPoolExecutor(1) as beside:
            theirs = beside.submit(apart.heard, scores, None, server.url, bytes_)
            assert begun.wait(60)
            method = methods.load("vlm", endpoint=server.url, model="m", concurrency=1)
            ours = method.score(images.flip(0)).flip(0).tolist()
        asked = len(server.requests)
        assert [method.score(images).tolist()] == [ours] == theirs.result()
        assert len(server.requests) == asked
    assert 6 <= asked <= 12
    assert method.usage.answers == asked
    assert len(files_in(method.kept.folder / "answers")) == 6


def test_tokens_and_cost_stand_beside_the_answers():
    with Endpoint(said("3"), {**said("3"), "usage": None}, later(503)).running() as server:
        method = load(server, price_in=2.0, price_out=10.0, concurrency=1)
        method.score(grey(3))
        method.score(grey(3))
        table = json.loads((method.kept.folder / "usage.json").read_text())
    assert table == {
        **{"answers": 3, "prompt_tokens": 2000, "completion_tokens": 14, "without_usage": 1},
        **{"cost": pytest.approx(0.00414), "price_in": 2.0, "price_out": 10.0},
    }
    again = load(server, price_in=1.0)
    assert again.usage.cost((1.0, None)) == pytest.approx(0.002)
    assert again.usage.cost((None, None)) is None
    with (method.kept.folder / "usage.csv").open("a") as file:
        file.write("rubbish\n")
    assert load(server).usage.answers == 3
