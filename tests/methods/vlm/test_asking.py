"""What goes wrong on the way to an endpoint, and is tried again."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from benchmark.images import read, write_png
from benchmark.scoring import score_files
from methods.vlm import asking
from methods.vlm.asking import EndpointError
from methods.vlm.settings import question_of
from tests.loopback import BOMB
from tests.methods.vlm.endpoint import (
    KEY,
    Endpoint,
    cut,
    cut_chunk,
    endless,
    expected,
    grey,
    huge,
    later,
    load,
    one,
    quality,
    reply,
    said,
    sample,
    stall,
)

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
        assert one(server, timeout=0.5) == pytest.approx(float(expected(grey())))


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
