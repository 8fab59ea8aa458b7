"""A model behind an endpoint: a server on this machine that answers, lies, cuts, stalls and repeats keys."""

import base64
import io
import json
import math
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import methods
from benchmark.files import web
from benchmark.images import read, write_png
from benchmark.method import Trained
from benchmark.scoring import score_files
from benchmark.scoring.conformance import assert_conforms, pictures
from experiments.cli import app
from experiments.runs.trained import load_trained
from experiments.runs.training import train_into
from experiments.settings import MethodSettings
from methods.vlm import asking, kept, reading
from methods.vlm.asking import EndpointError
from methods.vlm.presets import PRESETS
from methods.vlm.settings import question_of
from tests.loopback import BOMB, Server, head

KEY = "sk-test/0123456789+abcdefghijklmnop"
WORDS = ("excellent", "good", "fair", "poor", "bad")
TOP = {"good": -0.5, " Good": -3.0, "fair": -1.5, "excellent": -2.5, "poor": -4.0, "bad": -6.0, "the": -7.0}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("IQA_OFFLINE", raising=False)
    monkeypatch.setattr(asking, "FIRST", 0.001)


def quality(pixels):
    """What the model behind the server says of a picture: a fixed function of its pixels."""
    return f"{1 + 4 * (int(pixels.astype(np.int64).sum()) % 9973) / 9973:.3f}"


def said(text, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 7, "total_tokens": 1007}
    return {"id": "x", "model": "served", "choices": [choice | more], "usage": usage}


def worded(token="good", top=TOP, before=()):
    """An answer by words, other tokens before the one that counts."""
    listed = [{"token": t, "logprob": p, "bytes": None} for t, p in top.items()]
    tokens = [{"token": t, "logprob": -0.1, "top_logprobs": []} for t in before]
    tokens.append({"token": token, "logprob": top.get(token, -0.1), "top_logprobs": listed})
    return said("".join([*before, token]), logprobs={"content": tokens}, finish_reason="length")


class Endpoint:
    """Answers requests in turn as `script` says: a status, a body, or a function of the handler."""

    def __init__(self, *script, answer=None):
        self.script, self.answer = script, answer or (lambda pixels: said(quality(pixels)))
        self.requests, self.bodies, self.pixels = [], [], []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    @contextmanager
    def running(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.close_connection = True
                content = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    number = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers)))
                    outer.bodies.append(json.loads(content))
                    outer.pixels.append(sent(outer.bodies[-1]))
                fault = outer.script[number] if number < len(outer.script) else None
                with suppress(BrokenPipeError, ConnectionResetError):
                    if callable(fault):
                        fault(self)
                    elif isinstance(fault, int):
                        reply(self, fault, {"error": {"message": "later"}})
                    elif fault is not None:
                        reply(self, 200, fault)
                    else:
                        reply(self, 200, outer.answer(outer.pixels[number]))

            def log_message(self, *arguments):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=self.server.serve_forever, args=(0.002,))
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


def sent(body):
    """Pixels of the picture in a request."""
    parts = next(m for m in body["messages"] if m["role"] == "user")["content"]
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    scheme, _, content = url.partition(",")
    assert scheme == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def reply(handler, status, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {"Content-Type": "application/json", "Content-Length": len(content)}
    head(handler, status, kind | {k.replace("_", "-"): v for k, v in headers.items()}, content)


def later(status, **headers):
    return lambda handler: reply(handler, status, {"error": {"message": "later"}}, **headers)


def cut(handler):
    head(handler, 200, {"Content-Length": 5000}, b'{"choices": [')


def cut_chunk(handler):
    head(handler, 200, {"Transfer-Encoding": "chunked"}, b'1000\r\n{"choices"')


def stall(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    handler.wfile.flush()
    handler.connection.settimeout(5)
    with suppress(TimeoutError):
        handler.rfile.read(1)  # until the other side goes


def huge(handler):
    head(handler, 200, {"Content-Length": 10**12}, b"{")


def endless(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(200):
        handler.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def load(server, **settings):
    return methods.load("vlm", endpoint=server.url, model="some/VLM-7B", **{"retries": 2, **settings})


def grey(count=1, size=(24, 32)):
    return torch.from_numpy(np.random.default_rng(7).integers(0, 256, (count, 3, *size))).float() / 255


def sample():
    return np.zeros((4, 4, 3), np.uint8)


def one(server, **settings):
    """Score of one picture."""
    return load(server, **settings).score(grey()).item()


def expected(images):
    bytes_ = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return torch.tensor([float(quality(each)) for each in bytes_])


# What is sent, and what comes back.


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
    assert (card.low, card.high, card.opinion_aware) == (1, 5, True)
    assert preset in ("plain", "levels") or card.exposure


def independent(top):
    """Mean level under a softmax, computed on arrays."""
    logits = [[p for t, p in top.items() if t.strip().lower() == word] for word in WORDS]
    logits = np.array([np.logaddexp.reduce(each) if each else -np.inf for each in logits])
    share = np.exp(logits - logits.max())
    return float(share / share.sum() @ np.array([5, 4, 3, 2, 1]))


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


# What goes wrong on the way, and is tried again.


NONSENSE = [b"<html>", b"", b"[1, 2]", b"\xff\xfe", b"{" * 100_000, {"choices": []}, {"choices": None}]
NONSENSE += [{"choices": [{"message": m}]} for m in ({}, {"content": 3}, None)]
NONSENSE += [{"error": {"message": "busy"}}, said("3", logprobs={"content": [{"token": "3"}]})]
WAITS = [429, later(429, Retry_After=0), later(503, Retry_After="0.001"), 500, 502, 504, 408]


@pytest.mark.parametrize(
    "fault",
    [*WAITS, cut, cut_chunk, *NONSENSE],
    ids=lambda fault: getattr(fault, "__name__", repr(fault)[:30]),
)
def test_a_passing_fault_is_asked_again(fault):
    with Endpoint(fault).running() as server:
        assert one(server) == pytest.approx(float(expected(grey())))
    assert len(server.requests) == 2


def test_what_does_not_come_in_time_is_asked_again():
    with Endpoint(stall).running() as server:
        assert one(server, timeout=0.15) == pytest.approx(float(expected(grey())))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (later(401), "answers 401: 'later'; is it the right key"),
        (later(404), "404.*see `endpoint` and `model`"),
        (later(402), "answers 402"),
        (later(429, Retry_After=9999), "asks to wait 9999 s, and patience is 120"),
        (
            later(302, Location="http://127.0.0.1:9/v1"),
            "a redirect to 'http://127.0.0.1:9/v1'; nothing is sent",
        ),
        (later(307, Location="/elsewhere"), "a redirect to '/elsewhere'"),
    ],
)
def test_an_endpoint_that_answers_nobody_ends_the_run(fault, says):
    with Endpoint(*[fault] * 9).running() as server, pytest.raises(EndpointError, match=says):
        one(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [(503, "answers 503"), (cut, "the connection failed"), (cut_chunk, "the connection failed")],
)
def test_an_endpoint_that_stays_away_ends_the_run(fault, says):
    with (
        Endpoint(*[fault] * 9).running() as server,
        pytest.raises(EndpointError, match=f"{says}.*asked 3 times"),
    ):
        one(server)
    assert len(server.requests) == 3


def test_nobody_listening_ends_the_run():
    with Endpoint().running() as server:
        method = load(server)
    with pytest.raises(EndpointError, match="the connection failed"):
        method.score(grey(3))


@pytest.mark.parametrize(
    ("fault", "says", "requests"),
    [
        (later(400), "answers 400: 'later'", 1),
        (later(413), "answers 413", 1),
        (500, "answers 500.*asked 3 times", 3),
        (b"<html>nonsense", "answers with 'no JSON: <html>nonsense'", 3),
        (huge, "more than 8 MB", 1),
        (endless, "more than 8 MB", 1),
        (lambda handler: reply(handler, 200, BOMB, Content_Encoding="gzip"), "encoded as gzip", 1),
    ],
)
def test_what_is_wrong_with_one_picture_is_its_error(fault, says, requests):
    with Endpoint(*[fault] * requests).running() as server:
        method = load(server)
        with pytest.raises(ValueError, match=says):
            method.score(grey())
        assert len(server.requests) == requests
        assert method.score(grey()).isfinite().all()  # it was not kept


def test_the_type_that_a_server_states_is_not_asked(tmp_path):
    with Endpoint(lambda h: reply(h, 200, said("3.5"), Content_Type="text/html")).running() as server:
        assert one(server) == 3.5


def test_of_a_batch_the_others_are_scored(tmp_path):
    for index, image in enumerate(grey(4)):
        write_png(tmp_path / f"{index}.png", image)
    bad = (read(tmp_path / "2.png") * 255).round().permute(1, 2, 0).byte().numpy()

    def answer(pixels):
        return said("I cannot judge that." if np.array_equal(pixels, bad) else quality(pixels))

    with Endpoint(answer=answer).running() as server:
        table = score_files([f"{n}.png" for n in range(4)], load(server), root=tmp_path, batch=4)
    assert table["score"].isna().tolist() == [False, False, True, False]
    assert table["error"][2] == "no number where the pattern looks for one: 'I cannot judge that.'"
    assert len(server.requests) == 4  # an answer that is none is kept too


def test_a_pause_grows_and_is_the_same_in_every_run():
    pauses = [asking.pause_of(n, "a", 0, 60) for n in range(9)]
    assert pauses == [asking.pause_of(n, "a", 0, 60) for n in range(9)]
    assert all(asking.FIRST * 2**n / 2 <= pause <= asking.FIRST * 2**n for n, pause in enumerate(pauses))
    assert asking.pause_of(0, "a", 0, 60) != asking.pause_of(0, "b", 0, 60)
    assert asking.pause_of(2000, "a", 0, 60) <= 60
    assert asking.pause_of(0, "a", 7.5, 60) == 7.5


def test_the_pause_that_a_server_asks_for_is_read():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    date = format_datetime(now + timedelta(seconds=90), usegmt=True)
    for told, seconds in (("3", 3), ("0.5", 0.5), (date, 90), ("-3", 0), ("soon", 0), ("", 0), ("²", 0)):
        assert asking.retry_after({"Retry-After": told}, now) == seconds
    assert asking.retry_after({}, now) == 0


def noting(waits):
    """An event that waits for nothing and notes for how long it was to."""
    functions = {"wait": lambda self, seconds: waits.append(seconds), "is_set": lambda self: False}
    return type("Stop", (), functions)()


def test_pauses_are_taken_as_computed_and_as_asked_for():
    waits = []
    with Endpoint(later(429, Retry_After=7), 503, cut).running() as server:
        settings = load(server, retries=3).settings
        body = asking.packed(asking.body_of(settings, question_of(settings), asking.data_url(sample())))
        url = f"{server.url}/chat/completions"
        answer = asking.ask(url, body, "item", settings, KEY, asking.Pace(None), noting(waits))
    assert answer.text == quality(sample())
    assert waits == [7, *(asking.pause_of(n, "item", 0, settings.patience) for n in (1, 2))]


def test_requests_keep_a_pace():
    waits = []
    stop = noting(waits)
    pace = asking.Pace(60)
    for _ in range(3):
        pace.wait(stop)
    assert waits == pytest.approx([1, 2], abs=0.1)
    asking.Pace(None).wait(stop)
    assert len(waits) == 2


def test_no_more_requests_at_once_than_told():
    most, now, lock = [0], [0], threading.Lock()

    def slow(pixels):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return said(quality(pixels))

    with Endpoint(answer=slow).running() as server:
        load(server, concurrency=2).score(grey(6))
    assert most[0] == 2


# How an answer is read.


def read_as(text, preset="plain", **settings):
    answer = said(text)
    with Endpoint(answer).running() as server:
        return (
            methods.load("vlm", endpoint=server.url, model="m", preset=preset, **settings)
            .score(grey())
            .item()
        )


@pytest.mark.parametrize(
    ("text", "settings", "score"),
    [
        (" 4.25\n", {}, 4.25),
        ("5.", {}, 5),
        ("Qualität: 71 von 100 🙂", {"pattern": "([0-9]+) von", "low": 0, "high": 100}, 71),
        ("3, then 3.0", {"pattern": r"([0-9.]*[0-9])"}, 3),
        ("first 2, then 4", {"pattern": "([0-9])", "take": "last"}, 4),
        ("first 2, then 4", {"pattern": "([0-9])", "take": "first"}, 2),
        ("-0.5", {"low": -1, "high": 1}, -0.5),
    ],
)
def test_a_number_is_read(text, settings, score):
    assert read_as(text, **settings) == score


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        ("7", {}, r"7 is not on the scale from 1 to 5: '7'"),
        ("-3", {}, "-3 is not on the scale"),
        ("4 out of 5", {}, "no number where"),
        ("4,5", {}, "no number where"),
        ("", {}, "no number where"),
        ("first 2, then 4", {"pattern": "([0-9])"}, "several numbers, '2', '4': 'first 2, then 4'"),
        ("x", {"pattern": "(x)"}, "finds what is no number: 'x'"),
        ("nan", {"pattern": "(nan)"}, "nan is not on the scale"),
        ("a\nb\ud800" + "z" * 999, {}, r"a b\\\\udcff|a b\\\\ud800z+…'"),
    ],
)
def test_what_is_no_plain_number_is_an_error(text, settings, says):
    with pytest.raises(ValueError, match=says):
        read_as(text, **settings)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (said("3.5", finish_reason="length"), "cut at max_tokens: '3.5'"),
        (said("3.5", finish_reason="content_filter"), "refuses: '3.5'"),
        (said(None, message={"content": None, "refusal": "I will not rate people."}), "refuses: 'I will not"),
        (said(None, finish_reason="tool_calls"), "no number where"),
    ],
)
def test_a_refusal_is_an_error_and_is_kept(answer, says):
    with Endpoint(answer).running() as server:
        for _ in range(2):
            with pytest.raises(ValueError, match=says):
                one(server)
    assert len(server.requests) == 1


def by_words(answer, **settings):
    with Endpoint(answer).running() as server:
        score = methods.load("vlm:qalign", endpoint=server.url, model="m", **settings).score(grey()).item()
    assert server.bodies[0]["top_logprobs"] == settings.get("top_logprobs", 20)
    return score


def test_words_are_weighed_by_their_softmax():
    assert by_words(worded()) == pytest.approx(independent(TOP), abs=1e-6)
    assert by_words(worded(" good"), max_tokens=9) == pytest.approx(
        independent({**TOP, " good": -0.1}), abs=1e-6
    )
    assert by_words(worded("good", before=["It", " is", " "]), max_tokens=8) == pytest.approx(
        independent(TOP), abs=1e-6
    )
    two = {"fine": math.log(0.75), "awful": math.log(0.25)}
    assert by_words(worded("fine", two), words=["fine", "awful"]) == pytest.approx(1.75, abs=1e-6)
    certain = {"bad": 0.0, "good": -9999.0, "x": -math.inf}
    assert by_words(worded("bad", certain), prefix="It is") == 1


def test_words_that_are_not_listed_count_nothing_where_that_hardly_matters():
    top = {"good": math.log(0.9), "fair": math.log(0.0991), "the": math.log(0.0004)}
    score = by_words(worded("good", top))
    assert score == pytest.approx((4 * 0.9 + 3 * 0.0991) / 0.9991, abs=1e-6)
    # Whatever the three others have: no more than the last one listed, and all of them what is left of 1.
    for extra in np.random.default_rng(0).uniform(0, 0.0004, (200, 3)) * (0.0005 / 0.0012):
        whole = np.array([extra[0], 0.9, 0.0991, extra[1], extra[2]])
        assert abs(whole / whole.sum() @ [5, 4, 3, 2, 1] - score) < 0.05
    assert by_words(worded("good", {"good": -1.0, "the": -1.1}), tolerance=9.0, seed=1) == 4


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            worded("good", {"good": -1.0, "the": -1.1}),
            "excellent, fair, poor, bad: not among the 2 likeliest",
        ),
        (worded("very", {"very": -0.1, "good": -3.0}), "none of the words excellent, .*: 'very'"),
        (worded("good", before=["bad", " not "]), "several of the words"),
        (said("good"), "gives no log-probabilities"),
        (said("good", logprobs={"content": None}), "gives no log-probabilities"),
        (worded("good", {"good": 5.0}), "log-probabilities that are none"),
        (worded("good", {"good": math.nan}), "log-probabilities that are none"),
        (worded("good", {"good": -9999.0}), "the probability 0"),
    ],
)
def test_words_that_say_nothing_are_an_error(answer, says):
    with pytest.raises(ValueError, match=says):
        by_words(answer)


# What is kept.


def files_in(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


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


PROCESS = """
import sys, torch, methods
images = torch.frombuffer(bytearray.fromhex(sys.argv[2]), dtype=torch.uint8).reshape(6, 3, 4, 4) / 255
print(methods.load("vlm", endpoint=sys.argv[1], model="m", concurrency=1).score(images).tolist())
"""


def test_processes_share_the_answers():
    """The answers differ from request to request, so only shared ones are the same in both."""
    bytes_ = np.random.default_rng(3).integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
    images = torch.from_numpy(bytes_) / 255
    begun, numbers = threading.Event(), iter(range(100))

    def answer(pixels):
        begun.set()
        return said(f"{1 + next(numbers) / 100}")

    with Endpoint(answer=answer).running() as server:
        command = [sys.executable, "-c", PROCESS, server.url, bytes_.tobytes().hex()]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert begun.wait(60)
            method = methods.load("vlm", endpoint=server.url, model="m", concurrency=1)
            ours = method.score(images.flip(0)).flip(0).tolist()
            printed = process.communicate(timeout=60)[0]
        asked = len(server.requests)
        assert method.score(images).tolist() == ours == json.loads(printed)
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


# The key.


def echoing(status):
    """A server that repeats what it was sent, and would put the key wherever a text goes."""

    def echo(handler):
        key = handler.headers["Authorization"].removeprefix("Bearer ")
        body = (
            said(f"3.5 {key}") if status == 200 else {"error": {"message": f"{'x' * 60} key {key} is wrong"}}
        )
        reply(handler, status, body, Location=f"http://x/{key}", Retry_After=9999)

    return echo


def raw_echo(handler):
    reply(handler, 200, b"x" * 60 + handler.headers["Authorization"].encode())


@pytest.mark.parametrize("fault", [200, 302, 400, 401, 404, 422, 429, 500, 503, raw_echo, cut, stall])
def test_the_key_is_written_nowhere(fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "a.png", grey()[0])
    script = [echoing(fault) if isinstance(fault, int) else fault] * 2
    with Endpoint(*script).running() as server:
        told = [f"endpoint={server.url}", "model=m", "retries=1", "timeout=0.15"]
        arguments = [part for pair in told for part in ("--set", pair)]
        done = CliRunner().invoke(app, ["score", "a.png", "-m", "vlm", "-o", "s.csv", *arguments])
        again = CliRunner().invoke(app, ["score", "a.png", "-m", "vlm", "-o", "t.csv", *arguments])
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    assert done.exit_code
    texts = [done.output, repr(done.exception), again.output, repr(again.exception)]
    texts += [path.read_text() for path in files_in(tmp_path) if path.suffix != ".png"]
    assert not [text for text in texts if KEY[:12] in text or KEY[-12:] in text]


def test_a_key_reaches_no_other_host():
    with Endpoint().running() as other:
        away = later(307, Location=f"{other.url}/chat/completions")
        with Endpoint(away).running() as server, pytest.raises(EndpointError, match="nothing is sent there"):
            one(server)
    assert not other.requests


def test_no_proxy_stands_before_this_machine(monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    with Endpoint().running() as proxy, Endpoint().running() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        one(server)
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_a_netrc_file_has_no_say(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Endpoint().running() as server:
        one(server)
        one(server, key="", seed=3)
        one(server, key="OTHER_VARIABLE", seed=4)
    told = [headers.get("Authorization") for _, headers in server.requests]
    assert told == [f"Bearer {KEY}", None, None]


def test_a_key_is_not_sent_in_the_clear(monkeypatch):
    with pytest.raises(EndpointError, match=r"not encrypted.*OPENAI_API_KEY") as caught:
        methods.load("vlm", endpoint="http://node7:8000/v1", model="m")
    assert KEY not in str(caught.value)
    methods.load("vlm", endpoint="http://node7:8000/v1", model="m", key="")
    for endpoint in ("https://api.example.org/v1", "http://localhost:1/v1", "http://[::1]:1/v1"):
        methods.load("vlm", endpoint=endpoint, model="m")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two\nlines")
    with pytest.raises(EndpointError, match="the key in OPENAI_API_KEY has characters") as caught:
        methods.load("vlm", endpoint="https://api.example.org/v1", model="m")
    assert "sk-two" not in str(caught.value)
    with pytest.raises(EndpointError, match="the name of an environment variable") as caught:
        methods.load("vlm", endpoint="https://api.example.org/v1", model="m", key=KEY)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("method", [web.post])
def test_what_is_no_address_is_not_asked(method):
    with pytest.raises(web.AddressError):
        method("file:///etc/passwd", b"", {}, seconds=1, largest=1)


# Settings, card, records.


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"endpoint": "ftp://x/v1"}, "is not an address of http or https"),
        ({"endpoint": "https://me:hush@x/v1"}, "without user, password and query"),
        ({"endpoint": "https://x/v1?key=hush"}, "without user, password and query"),
        ({"endpoint": "me:hush@x/v1"}, "without user, password and query"),
        ({"prompt": " "}, "prompt: says nothing"),
        ({"pattern": "("}, "no regular expression"),
        ({"pattern": "[0-9]"}, "needs one group, the number, and has 0"),
        ({"pattern": "([0-9])([0-9])"}, "has 2"),
        ({"low": 5}, "low must lie below high, not 5 and 5"),
        ({"preset": "qalign", "low": 0}, "low: says nothing where the answer is read by words"),
        ({"words": ["a", "b"]}, "words: says nothing where the answer is read by number"),
        ({"preset": "levels", "words": ["good", "Good"]}, "at least two, none twice"),
        ({"preset": "levels", "words": ["good", " "]}, "one of them is empty"),
        ({"extra": {"messages": []}}, "extra: messages is not for it to change"),
        ({"preset": "evoquality"}, "preset: Input should be 'plain'"),
        ({"temprature": 0}, "did you mean 'temperature'"),
        ({"timeout": 0}, "timeout: Input should be greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, says):
    with pytest.raises(ValueError, match=says) as caught:
        methods.load("vlm", **{"endpoint": "http://127.0.0.1:1/v1", "model": "m", **settings})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("address", ["/v1", "/v1/", "/v1/chat/completions"])
def test_an_endpoint_may_be_written_in_several_ways(address):
    with Endpoint().running() as server:
        base = server.url.removesuffix("/v1")
        methods.load("vlm", endpoint=base + address, model="m").score(grey())
    assert server.requests[0][0] == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("settings", "learnt", "exposed"),
    [
        ({}, "unknown", None),
        ({"preset": "deqa"}, "koniq10k spaq kadid10k", {"koniq10k", "spaq", "kadid10k"}),
        ({"preset": "qinsight"}, "koniq10k", {"koniq10k"}),
        ({"preset": "deqa", "opinions_of": "unknown"}, "unknown", None),
        ({"opinions_of": "spaq unknown"}, "spaq unknown", {"spaq"}),
        ({"opinions_of": ""}, "", None),
    ],
)
def test_the_card_says_what_was_learnt_from_people(settings, learnt, exposed):
    card = methods.load("vlm", endpoint="http://127.0.0.1:1/v1", model="m", **settings).card
    assert (card.opinions_of, card.opinion_aware) == (learnt, bool(learnt))
    named = {e.what for e in card.exposure or () if e.kind == "opinions"}
    assert named == (exposed or set())
    assert card.title.startswith("m (")


def test_lower_may_be_better():
    with Endpoint().running() as server:
        method = load(server, higher_is_better=False, low=0, high=10, licence="mine")
        assert_conforms(method, method.card)
    assert (method.card.high, method.card.licence) == (10, "mine")


def test_the_commands_take_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for index, image in enumerate(grey(2)):
        write_png(tmp_path / f"{index}.png", image)
    with Endpoint().running() as server:
        told = ["--set", f"endpoint={server.url}", "--set", "model=some/VLM-7B"]
        done = CliRunner().invoke(app, ["check-method", "vlm", *told])
        assert (done.exit_code, "all 8 checks hold" in done.output) == (0, True), done.output
        done = CliRunner().invoke(app, ["score", "0.png", "1.png", "-m", "vlm", *told, "-o", "s.csv"])
        assert done.exit_code == 0, done.output
        CliRunner().invoke(app, ["score", "0.png", "-m", "vlm", *told, "--set", "seed=1", "-o", "t.csv"])
    table, other = pd.read_csv("s.csv"), pd.read_csv("t.csv")
    np.testing.assert_allclose(table["score"], expected(grey(2)).numpy(), rtol=1e-6)
    assert table["weights"][0].startswith("some/VLM-7B at 127.0.0.1")
    assert table["version"][0] != other["version"][0]


def test_it_is_a_row_of_the_settings(tmp_path):
    with Endpoint().running() as server:
        load = {"endpoint": server.url, "model": "m", "preset": "qinsight"}
        rows = [
            MethodSettings.model_validate({"code": "methods/vlm", "load": {**load, "seed": n}})
            for n in (0, 1)
        ]
        for name, own in zip("ab", rows, strict=True):
            train_into(tmp_path / name, name, own, [], seed=1)
        assert not server.requests
        method = load_trained("a", tmp_path)
        with pytest.raises(ValueError, match="no number"):  # the answer lacks its tags
            method.score(grey())
    trained = [Trained.read(tmp_path / name) for name in "ab"]
    assert trained[0].version != trained[1].version
    assert trained[0].card.opinions_of == "koniq10k"
    assert trained[0].load == {**load, "seed": 0}
    assert (method.name, len(server.requests)) == ("a", 1)
    assert KEY not in "".join(path.read_text() for path in files_in(tmp_path))
