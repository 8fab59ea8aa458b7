"""A vision-language model behind an endpoint of OpenAI's kind: asked for a number, or for five words.

vLLM, llama.cpp and hosted models answer the same requests. Every answer is kept by the picture's pixels and
the whole of the question, so that a later run asks nothing and gives the same scores.
"""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.datasets._known import check_opinions
from benchmark.method import Card, Exposure
from methods._shared.exposure import opinions
from methods._shared.weights.weight_cache import cache_folder
from methods.vlm.asking import EndpointError, Pace, ask, body_of, data_url, endpoint_of, key_of, packed
from methods.vlm.kept import Kept, Total, folder_of
from methods.vlm.kept import key_of as entry_of
from methods.vlm.reading import Completion, score_of
from methods.vlm.settings import Question, Settings, preset_of, question_of

CARD = Card(
    title="Vision-language model",
    paper="",
    licence="as the model's, and the terms of who serves it",
    training_data="not known: it is the model's",
    opinion_aware=True,
    opinions_of="unknown",
    low=1.0,
    high=5.0,
    weights="at the endpoint",
    input="whole image as PNG of 8 bits; the endpoint resizes it as its model asks",
)

#: The setting that ``"vlm:<variant>"`` names.
VARIANT = "preset"


class VisionLanguageModel:
    """A model behind an endpoint. Each picture is asked about alone, so that no score depends on a batch.

    Parameters
    ----------
    settings
        What is asked, of which endpoint, how often.
    """

    name = "vlm"
    remote = True  # what a picture costs there cannot be counted here

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.question = question_of(settings)
        self.endpoint = endpoint_of(settings.endpoint)
        self.higher_is_better = settings.higher_is_better
        self.about = {"endpoint": self.endpoint, "request": body_of(settings, self.question, "picture")}
        self.digest = hashlib.sha256(packed(self.about)).hexdigest()
        root = Path(settings.cache) if settings.cache else cache_folder() / "vlm"
        folder = folder_of(root, settings.model, self.digest)
        self.kept = Kept(folder, self.about, (settings.price_in, settings.price_out))
        self.card = card_of(
            settings, self.question, f"{urlsplit(self.endpoint).netloc}; answers in {folder.name}"
        )
        self._pace = Pace(settings.per_minute)
        key_of(settings, self.endpoint)  # says now what is wrong with it

    @property
    def usage(self) -> Total:
        """What all answers to this question have taken so far, in earlier runs and other processes too."""
        return self.kept.usage.total()

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If the model refuses a picture, or its answer holds no score.
        methods.vlm.asking.EndpointError
            If the endpoint does not answer, whatever the picture.
        """
        pixels = [pixels_of(image) for image in images]
        keys = [entry_of(self.digest, digest_of(each)) for each in pixels]
        answers = self._answers(dict(zip(keys, pixels, strict=True)))
        scores = []
        for key in keys:
            answer = answers[key]
            if isinstance(answer, ValueError):
                raise answer
            scores.append(score_of(answer, self.question, self.settings.tolerance))
        return torch.tensor(scores, dtype=torch.float32)

    def _answers(self, pixels: dict[str, NDArray[np.uint8]]) -> dict[str, Completion | ValueError]:
        """Return what is kept, and ask for the rest; an error of one picture leaves the others alone."""
        answers: dict[str, Completion | ValueError] = {}
        for key in pixels:
            if (known := self.kept.get(key)) is not None:
                answers[key] = known
        if len(answers) == len(pixels):
            return answers
        if os.environ.get("IQA_OFFLINE", "0") not in ("", "0"):
            raise EndpointError(f"{self.endpoint}: an answer is not kept, and IQA_OFFLINE forbids asking")
        self.kept.check()
        stop = threading.Event()
        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            asked = {pool.submit(self._ask, k, pixels[k], stop): k for k in pixels if k not in answers}
            try:
                for future in as_completed(asked):
                    answers[asked[future]] = _result(future)
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                if self.kept.usage.path.is_file():
                    self.kept.usage.write()
        return answers

    def _ask(self, key: str, pixels: NDArray[np.uint8], stop: threading.Event) -> Completion:
        content = packed(body_of(self.settings, self.question, data_url(pixels)))
        secret = key_of(self.settings, self.endpoint)
        url = f"{self.endpoint}/chat/completions"
        return self.kept.put(key, ask(url, content, key, self.settings, secret, self._pace, stop))


def _result(future: Future[Completion]) -> Completion | ValueError:
    try:
        return future.result()
    except ValueError as error:
        return error


def pixels_of(image: Tensor) -> NDArray[np.uint8]:
    """Pixels ``[H, W, 3]`` of a picture in [0, 1]: exact for 8 bits, rounded to them for more."""
    scaled = image.detach().cpu().mul(255).round().clamp(0, 255)
    return np.ascontiguousarray(scaled.to(torch.uint8).permute(1, 2, 0).numpy())


def digest_of(pixels: NDArray[np.uint8]) -> str:
    """Digest of pixels and their layout, whatever file they are from."""
    return hashlib.sha256(f"{pixels.shape} RGB8 ".encode() + pixels.tobytes()).hexdigest()


def card_of(settings: Settings, question: Question, where: str) -> Card:
    """Card of a model: what its preset says of published weights, unless the settings say otherwise.

    Raises
    ------
    ValueError
        If the settings name a data set that there is not.
    """
    preset = preset_of(settings)
    told = settings.opinions_of
    learnt = preset.opinions_of if told is None else told.strip()
    check_opinions(learnt, "vlm: opinions_of")
    named = " ".join(name for name in learnt.split() if name != "unknown")
    exposure: tuple[Exposure, ...] | None = preset.exposure
    training = preset.training_data + (f" (as {preset.weights})" if preset.weights else "")
    if told is not None:
        exposure = opinions(named, "the setting `opinions_of`", "R") if named else None
        training = f"opinions of {named}" if named else "no opinions, as told" if not learnt else "not known"
        training += " (the setting `opinions_of`)"
    return replace(
        CARD,
        title=f"{settings.model} ({preset.title})",
        paper=preset.paper,
        bibtex=preset.bibtex,
        licence=settings.licence or preset.licence,
        training_data=training,
        opinion_aware=bool(learnt),
        opinions_of=learnt,
        exposure=exposure,
        low=question.low,
        high=question.high,
        higher_is_better=settings.higher_is_better,
        weights=f"{settings.model} at {where}",
    )


def load(settings: Settings) -> VisionLanguageModel:
    """Load a model behind an endpoint; nothing is asked yet.

    Parameters
    ----------
    settings
        See `methods.vlm.settings.Settings` and docs/vlm.md.

    Raises
    ------
    ValueError
        If settings contradict each other.
    methods.vlm.asking.EndpointError
        If the key cannot be sent there.
    """
    return VisionLanguageModel(settings)
