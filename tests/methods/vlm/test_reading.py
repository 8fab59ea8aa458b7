"""How an answer is read."""

import math

import numpy as np
import pytest

import methods
from tests.methods.vlm.endpoint import TOP, Endpoint, grey, independent, one, said, worded


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
