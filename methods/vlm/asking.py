"""One question about one picture to an endpoint of OpenAI's kind: the request, and how often it is made."""

from __future__ import annotations

import base64
import hashlib
import io
import ipaddress
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.files import web
from methods.vlm.reading import Completion, completion_of, error_of, shown
from methods.vlm.settings import Question, Settings

#: Bytes that an answer may have.
LARGEST = 8_000_000
#: Seconds of the first pause; doubled at every further one.
FIRST = 1.0
#: Status that another attempt may change.
PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
#: Status that speaks of the picture: too large, of a kind that is not taken, or the server breaks on it.
OF_THE_PICTURE = (400, 413, 415, 422, 500)
#: Characters from which on a key is looked for in answers; shorter ones are placeholders of local servers.
SECRET = 8
#: Held while a turn is drawn; of the module, so that a method can be copied and pickled.
_LOCK = threading.Lock()


class EndpointError(OSError):
    """An endpoint that does not answer whatever the picture: the run ends, and a later one goes on."""


def endpoint_of(address: str) -> str:
    """Return a base address without a slash at its end; refuses one that would put a secret on record.

    Raises
    ------
    ValueError
        With the reason; a password is not repeated.
    """
    base = address.strip().rstrip("/").removesuffix("/chat/completions")
    if re.search("[@?#]", base):
        raise ValueError(
            "vlm: endpoint: give it without user, password and query, for it is written beside the scores; "
            "the key belongs in the environment"
        )
    try:
        web.check_address(base)
    except web.AddressError as error:
        raise ValueError(f"vlm: endpoint: {error}") from error
    return base


def key_of(settings: Settings, endpoint: str) -> str:
    """Return the key, "" where there is none; it is read when it is needed and kept nowhere.

    Raises
    ------
    EndpointError
        If it would be sent without encryption to another machine, or cannot be sent at all.
    """
    name = settings.key
    if not name:
        return ""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise EndpointError("vlm: key: give the name of an environment variable, not the key itself")
    key = os.environ.get(name, "").strip()
    if re.search(r"[^\x21-\x7e]", key):
        raise EndpointError(f"vlm: the key in {name} has characters that no request can carry")
    if key and urlsplit(endpoint).scheme == "http" and not _of_this_machine(endpoint):
        raise EndpointError(
            f"vlm: {endpoint} is not encrypted, and the key in {name} would go over the wire; use https or a "
            'tunnel, or set key="" to send none'
        )
    return key


def _of_this_machine(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def body_of(settings: Settings, question: Question, picture: str) -> dict[str, Any]:
    """Return the body of a request.

    Parameters
    ----------
    settings, question
        What is asked.
    picture
        Its address: a data URL; or, for a digest of the request, what stands for one.
    """
    image = {"type": "image_url", "image_url": {"url": picture}}
    text = {"type": "text", "text": question.prompt}
    messages: list[dict[str, Any]] = []
    if question.system:
        messages.append({"role": "system", "content": question.system})
    messages.append({"role": "user", "content": [image, text] if question.image_first else [text, image]})
    if question.prefix:
        messages.append({"role": "assistant", "content": question.prefix})
    words = {"logprobs": True, "top_logprobs": settings.top_logprobs} if question.by_words else {}
    body = {
        "model": settings.model,
        "messages": messages,
        "temperature": settings.temperature,
        "seed": settings.seed,
        "max_tokens": question.max_tokens,
        **words,
        **question.extra,
    }
    return {name: value for name, value in body.items() if value is not None}


def png_of(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels ``[H, W, 3]`` as PNG, which loses nothing."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def data_url(pixels: NDArray[np.uint8]) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png_of(pixels)).decode()}"


class Pace:
    """Spreads requests evenly: at most so many a minute."""

    def __init__(self, per_minute: float | None) -> None:
        self.every = 60 / per_minute if per_minute else 0.0
        self._due = 0.0

    def wait(self, stop: threading.Event) -> None:
        """Wait for the next turn, or until all is stopped."""
        if not self.every:
            return
        with _LOCK:
            now = time.monotonic()
            turn = max(now, self._due)
            self._due = turn + self.every
        if turn > now:
            stop.wait(turn - now)


def pause_of(attempt: int, item: str, asked: float, patience: float) -> float:
    """Seconds to wait after an attempt.

    Parameters
    ----------
    attempt
        Counted from 0; each doubles the pause.
    item
        What is asked for. The jitter, a half to the whole of the pause, is drawn from it: pictures that
        failed together do not come back together, and a run can be repeated.
    asked
        Seconds that the server asks to wait; never less.
    patience
        The longest pause.
    """
    drawn = int.from_bytes(hashlib.sha256(f"{item} {attempt}".encode()).digest()[:4], "big") / 2**32
    return max(asked, min(patience, FIRST * 2.0 ** min(attempt, 30)) * (1 + drawn) / 2)


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that an answer asks to wait, as a number or a date; 0 where it does not say."""
    told = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", told, re.ASCII):
        return float(told)
    try:
        when = parsedate_to_datetime(told)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now.timestamp())


def ask(
    url: str, content: bytes, item: str, settings: Settings, key: str, pace: Pace, stop: threading.Event
) -> Completion:
    """Ask until there is an answer.

    Parameters
    ----------
    url, content
        Address and body of the request.
    item
        Digest of the question and the picture, from which the jitter is drawn.
    settings
        Timeout, retries and patience.
    key
        The key, or "".
    pace
        The rate.
    stop
        Set where no answer is wanted any more.

    Raises
    ------
    ValueError
        If the endpoint takes the question and not this picture, or its answer is no chat completion.
    EndpointError
        If it cannot be reached, lets nobody in, or is overloaded for too long.
    """
    for attempt in range(settings.retries + 1):
        pace.wait(stop)
        if stop.is_set():
            raise EndpointError(f"{url}: stopped")
        wait = 0.0
        try:
            answer = web.post(
                url,
                content,
                {"Content-Type": "application/json"},
                bearer=key,
                direct=_of_this_machine(url),  # a proxy would see the key
                seconds=settings.timeout,
                largest=LARGEST,
            )
        except web.NoAnswer as error:
            failure: Exception = EndpointError(f"{url}: {without(key, str(error))}")
        except ValueError as error:
            raise ValueError(f"the answer cannot be taken: {without(key, str(error))}") from None
        else:
            try:
                return _taken(answer, key)
            except _Passing as passing:
                failure = passing.failure(url)
                wait = retry_after(answer.headers, datetime.now(UTC))
        if attempt < settings.retries:
            if wait > settings.patience:
                raise EndpointError(
                    f"{failure}; it asks to wait {wait:.0f} s, and patience is {settings.patience:g}"
                )
            stop.wait(pause_of(attempt, item, wait, settings.patience))
    raise type(failure)(f"{failure} (asked {settings.retries + 1} times)")


class _Passing(Exception):
    """An answer after which asking again may help; else it is an error of the picture, or ends the run."""

    def __init__(self, reason: str, of_the_picture: bool) -> None:
        super().__init__(reason)
        self.of_the_picture = of_the_picture

    def failure(self, url: str) -> Exception:
        return ValueError(str(self)) if self.of_the_picture else EndpointError(f"{url}: {self}")


def _taken(answer: web.Answer, key: str) -> Completion:
    """Return the completion of an answer, or say what is wrong with it."""
    status = answer.status
    if status == 200:
        try:
            made = completion_of(answer.content)
        except ValueError as error:
            raise _Passing(f"the endpoint answers with {shown(without(key, str(error)))}", True) from None
        if len(key) >= SECRET and any(key in text for text in _texts(made)):
            raise EndpointError("the endpoint repeats the key in its answer, which is not kept")
        return made
    if 300 <= status < 400:
        to = shown(without(key, answer.headers.get("Location", "nowhere")))
        raise EndpointError(f"the endpoint answers {status}, a redirect to {to}; nothing is sent there")
    reason = f"the endpoint answers {status}: {shown(without(key, error_of(answer.content)))}"
    if status in PASSING:
        raise _Passing(reason, status in OF_THE_PICTURE)
    if status in OF_THE_PICTURE:
        raise ValueError(reason)
    raise EndpointError(f"{reason}{_cure(status, key)}")


def _cure(status: int, key: str) -> str:
    if status in (401, 403):
        return "; is it the right key?" if key else "; the variable that `key` names is empty"
    return "; see `endpoint` and `model`" if status in (404, 405) else ""


def without(key: str, text: str) -> str:
    """Return a text for an error without the key, which some servers repeat."""
    return text.replace(key, "***") if key else text


def _texts(made: Completion) -> Iterator[str]:
    yield from (made.text, made.refusal, made.finish, made.model, made.fingerprint)
    for token in made.tokens:
        yield token.text
        yield from (text for text, _ in token.top)


def packed(body: Mapping[str, Any]) -> bytes:
    """A request or a question as bytes; equal ones give equal bytes."""
    return json.dumps(body, sort_keys=True).encode()
