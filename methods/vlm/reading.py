"""An answer of a model as a number; what is no plain answer is an error and never a guess."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from methods.vlm.settings import Question

#: Characters of an answer that an error shows.
SHOWN = 80
#: What tokenizers write for the space before a word, and what may surround one.
AROUND = " \t\r\n▁Ġ\"'*`.,:;!"


@dataclass(frozen=True)
class Token:
    """A token that was sampled, and the likeliest ones in its place: text and log-probability."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Completion:
    """What of a chat completion is kept.

    Parameters
    ----------
    text
        The answer.
    refusal
        Why the endpoint refuses, or "".
    finish
        Why the answer ends: ``stop``, ``length``, ``content_filter``.
    tokens
        Its tokens with log-probabilities, where they were asked for.
    prompt_tokens, completion_tokens
        What was counted, or nothing where the endpoint does not say.
    model, fingerprint
        What the endpoint calls the model that answered.
    """

    text: str
    refusal: str = ""
    finish: str = ""
    tokens: tuple[Token, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str = ""
    fingerprint: str = ""


def completion_of(content: bytes) -> Completion:
    """Read the body of a chat completion.

    Raises
    ------
    ValueError
        If it is none; the message may repeat all that was sent.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {content.decode(errors='replace')}") from error
    try:
        if body.get("error"):
            raise ValueError(f"an error: {error_of(content)}")
        choice = body["choices"][0]
        message, usage = choice["message"], body.get("usage") or {}
        if message.get("content") is None and not message.get("refusal") and not choice.get("finish_reason"):
            raise KeyError("content")
        return Completion(
            text=_text(message.get("content")),
            refusal=_text(message.get("refusal")),
            finish=_text(choice.get("finish_reason")),
            tokens=_tokens(choice.get("logprobs")),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            model=_text(body.get("model")),
            fingerprint=_text(body.get("system_fingerprint")),
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"no chat completion ({type(error).__name__}: {error})") from error


def restored(fields: Mapping[str, Any]) -> Completion:
    """Make a completion of what `dataclasses.asdict` made of one."""
    tokens = tuple(
        Token(str(t["text"]), float(t["logprob"]), tuple((str(w), float(p)) for w, p in t["top"]))
        for t in fields["tokens"]
    )
    return Completion(**{**fields, "tokens": tokens})


def error_of(content: bytes) -> str:
    """What a server says of an error: the message of its JSON, else its body as text."""
    try:
        body = json.loads(content)
        said = body.get("error", body)
        found = said if isinstance(said, str) else said.get("message") or said.get("detail")
        return str(found or body)
    except (AttributeError, ValueError, RecursionError):
        return content.decode(errors="replace")


def shown(text: str) -> str:
    """Text of others in one line of an error: short, without line breaks, and writable in any file."""
    line = " ".join(text.encode(errors="backslashreplace").decode().split())
    return repr(line if len(line) <= SHOWN else f"{line[:SHOWN]}…")


def score_of(answer: Completion, question: Question, tolerance: float) -> float:
    """Return the score in an answer.

    Raises
    ------
    ValueError
        If the model refused or was cut, or its answer holds no score, several, or one outside the scale.
    """
    if answer.refusal or answer.finish == "content_filter":
        raise ValueError(f"the model refuses: {shown(answer.refusal or answer.text)}")
    if question.by_words:
        return expectation(answer, question.words, tolerance)
    if answer.finish == "length":
        raise ValueError(f"the answer was cut at max_tokens: {shown(answer.text)}")
    return number(answer.text, question.pattern, question.take, question.low, question.high)


def number(text: str, pattern: str, take: str, low: float, high: float) -> float:
    """Return the number that a regular expression finds.

    Parameters
    ----------
    text
        The answer.
    pattern
        Regular expression with one group.
    take
        ``"first"`` or ``"last"`` match; ``"only"`` refuses matches of several values.
    low, high
        The scale; a number outside is refused, not moved to its end.

    Raises
    ------
    ValueError
        With the reason.
    """
    found = [match[1] for match in re.finditer(pattern, text)]
    if not found:
        raise ValueError(f"no number where the pattern looks for one: {shown(text)}")
    if take != "only":
        found = [found[0 if take == "first" else -1]]
    try:
        values = {float(part) for part in found}
    except (TypeError, ValueError) as error:
        raise ValueError(f"the pattern finds what is no number: {shown(str(found[0]))}") from error
    if len(values) > 1:
        raise ValueError(f"several numbers, {', '.join(map(shown, found[:4]))}: {shown(text)}")
    value = values.pop()
    if not low <= value <= high:
        raise ValueError(f"{value:g} is not on the scale from {low:g} to {high:g}: {shown(text)}")
    return value


def expectation(answer: Completion, words: Sequence[str], tolerance: float) -> float:
    """Return the mean level of an answer: the last word counts 1, the one before 2, and so on.

    Levels are weighed by the softmax of the words' log-probabilities at the token that is one of them; an
    answer with two different ones has no score. Spellings of a word (case, a space before it) are added up.
    A word that is not among the tokens listed there counts nothing: it is no likelier than the last of them,
    and all that are not listed share what is left of 1. Where that could move the mean by more than
    `tolerance`, there is no score.

    Raises
    ------
    ValueError
        With the reason.
    """
    if not answer.tokens:
        raise ValueError("the endpoint gives no log-probabilities; `answer: words` needs them")
    places = [token for token in answer.tokens if _word(token.text) in words]
    if not places:
        raise ValueError(f"none of the words {', '.join(words)}: {shown(answer.text)}")
    if len({_word(token.text) for token in places}) > 1:
        raise ValueError(f"several of the words {', '.join(words)}: {shown(answer.text)}")
    token = places[0]
    listed = [*token.top]
    if token.text not in [text for text, _ in listed]:
        listed.append((token.text, token.logprob))
    if not all(logprob <= 1e-3 for _, logprob in listed):  # so written, NaN is refused too
        raise ValueError("the endpoint gives log-probabilities that are none")
    weights = [math.fsum(math.exp(p) for text, p in listed if _word(text) == word) for word in words]
    if not math.fsum(weights) > 0:
        raise ValueError("the endpoint gives each of the words the probability 0")
    score = _mean(weights)
    left = max(0.0, 1 - math.fsum(math.exp(p) for _, p in listed))
    most = min(left, math.exp(min(p for _, p in listed)))
    shift = _most_shift(weights, score, most)
    if shift > tolerance:
        missing = ", ".join(word for word, weight in zip(words, weights, strict=True) if not weight)
        raise ValueError(
            f"{missing}: not among the {len(listed)} likeliest tokens, and could move the score by "
            f"{shift:.2g}; ask for more top_logprobs, or allow it with tolerance"
        )
    return score


def _mean(weights: Sequence[float]) -> float:
    levels = range(len(weights), 0, -1)
    return math.fsum(w * k for w, k in zip(weights, levels, strict=True)) / math.fsum(weights)


def _most_shift(weights: Sequence[float], score: float, most: float) -> float:
    """How far words that weigh nothing could move the mean if each weighed up to `most`."""
    levels = range(len(weights), 0, -1)
    moved = []
    for above in (True, False):
        filled = [
            most if not weight and (level > score) is above else weight
            for weight, level in zip(weights, levels, strict=True)
        ]
        moved.append(abs(_mean(filled) - score))
    return max(moved)


def _word(token: str) -> str:
    return token.strip(AROUND).casefold()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    return value


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    if not logprobs or not logprobs.get("content"):
        return ()
    return tuple(
        Token(
            _text(entry["token"]),
            float(entry["logprob"]),
            tuple((_text(top["token"]), float(top["logprob"])) for top in entry.get("top_logprobs") or ()),
        )
        for entry in logprobs["content"]
    )
