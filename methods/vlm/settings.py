"""What is asked of a model, of which endpoint, and how its answer is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from methods.vlm.presets import PRESETS, Preset

Name = Literal["plain", "levels", "qalign", "deqa", "qinsight", "visualquality-r1", "evoquality"]
#: Parts of a request that are not for `extra` to change.
OURS = ("messages", "model", "n", "stream", "logprobs", "top_logprobs")


class Settings(BaseModel):
    """Settings of `load`. What is null is taken from the preset."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    endpoint: str = Field(description="base address, such as http://127.0.0.1:8000/v1")
    model: str = Field(min_length=1, description="name of the model there")
    preset: Name = "plain"
    prompt: str | None = None
    system: str | None = None
    prefix: str | None = Field(None, description="beginning of the answer, which the model goes on from")
    image_first: bool | None = Field(None, description="whether the picture stands before the prompt")
    answer: Literal["number", "words"] | None = None
    pattern: str | None = Field(None, description="regular expression whose one group is the number")
    take: Literal["only", "first", "last"] | None = Field(None, description="which match counts")
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    words: list[str] | None = Field(None, description="best first; the last counts 1, the one before 2")
    top_logprobs: int = Field(20, ge=1)
    tolerance: float = Field(0.05, ge=0, description="most that words not listed could change a score by")
    temperature: float = Field(0.0, ge=0)
    seed: int | None = 0
    max_tokens: int | None = Field(None, ge=1)
    extra: dict[str, Any] | None = Field(None, description="further parts of the request; null drops one")
    timeout: float = Field(120.0, gt=0, le=86_400, description="seconds for one answer")
    retries: int = Field(5, ge=0)
    patience: float = Field(120.0, ge=0, description="longest pause, in seconds, between two attempts")
    per_minute: float | None = Field(None, gt=0, description="most requests a minute, of this process")
    concurrency: int = Field(4, ge=1, description="most requests at once, of this process")
    key: str = Field("OPENAI_API_KEY", description="environment variable with the key; empty: no key")
    cache: str | None = Field(None, description="folder of the answers; null: in the cache of the suite")
    price_in: float | None = Field(None, ge=0, description="price of a million tokens of prompts")
    price_out: float | None = Field(None, ge=0, description="price of a million tokens of answers")
    opinions_of: str | None = Field(None, description="data sets whose opinions the model learnt")
    licence: str | None = None


@dataclass(frozen=True)
class Question:
    """What is asked and how the answer is read: settings with the gaps filled from the preset."""

    prompt: str
    system: str
    prefix: str
    image_first: bool
    words: tuple[str, ...]
    pattern: str
    take: str
    low: float
    high: float
    max_tokens: int | None
    extra: dict[str, Any]

    @property
    def by_words(self) -> bool:
        """Whether the score is an expectation over words, and not a number in the text."""
        return bool(self.words)


def preset_of(settings: Settings) -> Preset:
    """Return the preset that settings name."""
    return PRESETS[settings.preset]


def question_of(settings: Settings) -> Question:
    """Fill what settings leave open from their preset.

    Raises
    ------
    ValueError
        If the settings contradict each other; the message names the setting.
    """
    preset = preset_of(settings)
    by_words = (settings.answer or preset.answer) == "words"
    words = tuple(settings.words or preset.words) if by_words else ()
    question = Question(
        prompt=_either(settings.prompt, preset.prompt),
        system=_either(settings.system, preset.system),
        prefix=_either(settings.prefix, preset.prefix),
        image_first=_either(settings.image_first, preset.image_first),
        words=tuple(word.strip().casefold() for word in words),
        pattern=_either(settings.pattern, preset.pattern),
        take=_either(settings.take, preset.take),
        low=1.0 if by_words else _either(settings.low, preset.low),
        high=float(len(words)) if by_words else _either(settings.high, preset.high),
        max_tokens=_either(settings.max_tokens, preset.max_tokens),
        extra={**preset.extra, **(settings.extra or {})},
    )
    _check(settings, question)
    return question


def _either(told: Any, preset: Any) -> Any:
    return preset if told is None else told


#: Settings of one way of reading that say nothing in the other.
APART = {"words": ("low", "high", "pattern", "take"), "number": ("words",)}


def _check(settings: Settings, question: Question) -> None:
    way = "words" if question.by_words else "number"
    if idle := [name for name in APART[way] if getattr(settings, name) is not None]:
        raise ValueError(f"vlm: {idle[0]}: says nothing where the answer is read by {way}; leave it out")
    if not question.prompt.strip():
        raise ValueError("vlm: prompt: says nothing")
    if taken := [name for name in question.extra if name in OURS]:
        raise ValueError(f"vlm: extra: {taken[0]} is not for it to change; other settings say it, or none")
    if question.by_words:
        if len(question.words) < 2 or len(set(question.words)) < len(question.words):
            raise ValueError("vlm: words: give at least two, none twice")
        if not all(question.words):
            raise ValueError("vlm: words: one of them is empty")
        return
    try:
        groups = re.compile(question.pattern).groups
    except re.error as error:
        raise ValueError(f"vlm: pattern: is no regular expression ({error})") from error
    if groups != 1:
        raise ValueError(f"vlm: pattern: needs one group, the number, and has {groups}; (?:...) is none")
    if not question.low < question.high:
        raise ValueError(f"vlm: low must lie below high, not {question.low:g} and {question.high:g}")
