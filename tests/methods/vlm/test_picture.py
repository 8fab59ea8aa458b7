"""What is sent to an endpoint, and what comes back."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import methods
from benchmark.images import read, write_png
from benchmark.scoring import score_files
from benchmark.scoring.conformance import assert_conforms, pictures
from methods.vlm.presets import PRESETS
from tests.methods.vlm.endpoint import (
    KEY,
    TOP,
    Endpoint,
    expected,
    grey,
    independent,
    load,
    said,
    worded,
)


def test_the_picture_arrives_bit_for_bit_and_its_score_comes_back():
    images = torch.arange(256 * 3).reshape(1, 3, 16, 16).float().remainder(256) / 255
    images = torch.cat([images, images.flip(3)])
    with Endpoint().running() as server:
        scores = load(server, concurrency=1).score(images)
    for image, pixels in zip(images, server.pixels, strict=True):
        np.testing.assert_array_equal(pixels, (image.permute(1, 2, 0).numpy() * 255).round())
    assert torch.equal(scores, expected(images))
    path, headers = server.requests[0]
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    body = server.bodies[0]
    assert (body["model"], body["temperature"], body["seed"]) == ("some/VLM-7B", 0, 0)
    assert body["max_tokens"] == PRESETS["plain"].max_tokens


def test_what_has_more_than_8_bits_is_rounded():
    with Endpoint().running() as server:
        load(server).score(torch.tensor([0.4, 0.6, 254.6]).reshape(1, 3, 1, 1) / 255)
    assert server.pixels[0].tolist() == [[[0, 1, 255]]]


def test_a_file_arrives_as_the_suite_decodes_it(tmp_path):
    write_png(tmp_path / "a.png", grey()[0])
    with Endpoint().running() as server:
        score_files([tmp_path / "a.png"], load(server))
    np.testing.assert_array_equal(
        server.pixels[0], (read(tmp_path / "a.png").permute(1, 2, 0).numpy() * 255).round()
    )


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_asks_as_it_says(preset):
    ours = PRESETS[preset]
    rated = {"qinsight": '<think>1 or 2?</think>\n<answer>```json\n{"rating": 3.25}\n```</answer>'}
    rated["visualquality-r1"] = "<think>blur, <answer>1</answer> at first</think> <answer>\n3.25 </answer>"
    rated["evoquality"] = r"It could be \boxed{1}, but the blur is mild: \boxed{3.25}"
    answer = worded() if ours.answer == "words" else said(rated.get(preset, " 3.25\n"))
    with Endpoint(answer).running() as server:
        method = methods.load(f"vlm:{preset}", endpoint=server.url, model="m")
        score = method.score(grey()).item()
    messages = server.bodies[0]["messages"]
    roles = ["system"] * bool(ours.system) + ["user"] + ["assistant"] * bool(ours.prefix)
    assert [message["role"] for message in messages] == roles
    parts = next(message["content"] for message in messages if message["role"] == "user")
    assert next(part["type"] for part in parts) == ("image_url" if ours.image_first else "text")
    assert ours.prompt in [part.get("text") for part in parts]
    assert score == (3.25 if ours.answer == "number" else pytest.approx(independent(TOP)))
    card = method.card
    assert (card.low, card.high, card.opinion_aware) == (1, 5, preset != "evoquality")
    assert preset in ("plain", "levels") or card.exposure


def test_scores_depend_on_neither_batch_nor_order():
    images = grey(5)
    with Endpoint().running() as server:
        together = load(server, concurrency=3).score(images)
        alone = [load(server, cache=str(Path(os.environ["IQA_CACHE"]) / "b")).score(i[None]) for i in images]
        backwards = load(server).score(images.flip(0))
    assert torch.equal(together, torch.cat(alone))
    assert torch.equal(together, backwards.flip(0))
    assert torch.equal(together, expected(images))


def test_it_can_be_copied():
    with Endpoint().running() as server:
        copied = pickle.loads(pickle.dumps(load(server)))
        assert torch.equal(copied.score(grey()), expected(grey()))


def test_it_keeps_the_promises_of_a_method():
    with Endpoint().running() as server:
        method = load(server)
        assert_conforms(method, method.card)
        with pytest.raises(ValueError, match="divide by 255"):
            method.score(pictures(96, 96) * 255)
