"""Whether a method keeps the promises that the suite relies on; every broken one is said in words.

From pytest: ``assert_conforms(methods.load("mine"), methods.card("mine"))``; from a shell:
``iqa check-method mine``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets._known import check_opinions
from benchmark.method import (
    GRADIENTS,
    Card,
    Method,
    NoScores,
    has_features,
    has_gradients,
    no_scores,
    unlike_card,
)
from benchmark.provenance import bibtex

#: Largest difference between the score of a picture alone and in a batch; relative for scores above 1.
TOLERANCE = 1e-6

#: Sizes ``(height, width)`` that a method must score: upright and lying, odd, no multiples of 32.
SIZES = ((160, 128), (131, 197))

#: Sizes that it may refuse, but only by a ValueError: anything else would end the scoring of a data set.
TINY = ((1, 1), (5, 9), (40, 33))

_CURE = "score it, or raise a ValueError that says why"
_WORDS = ("title", "licence", "training_data", "input")


@dataclass(frozen=True)
class Finding:
    """One promise: ``check`` names it, ``problem`` says what is wrong with it, or is empty."""

    check: str
    problem: str = ""


def check_method(
    method: Method, card: Card, *, features: bool = False, gradients: bool = False
) -> list[Finding]:
    """Check a method on small generated pictures.

    Parameters
    ----------
    method
        Loaded and ready to score.
    card
        Its card.
    features, gradients
        Whether it must offer features (probes) and gradients (gradCAM); what it offers is checked anyway.

    Returns
    -------
    list of Finding
        One a check, in the order in which they ran. Where a method does not score at all, the first ones;
        of one that raises `benchmark.method.NoScores`, and has it in ``no_scores``, those of its features.
    """
    more: list[_Check] = [
        ("range", _range),
        ("repeatable", _repeatable),
        ("input kept", _input_kept),
        ("alone as in a batch", _alone),
        ("sizes", _sizes),
        ("what it cannot score", _refusals),
    ]
    if features or has_features(method):
        more.append(("features", _features))
    if gradients or any(hasattr(method, part) for part in GRADIENTS):
        more.append(("gradients", _gradients))
    subject = _Subject(method, card, pictures(128, 160))
    results = [_run(("card", _card), subject)]
    if subject.has_features_alone:
        results.append(_run(("no scores of its own", _no_scores), subject))
        more = [("features", _features), ("features of any size", _sizes_of_features)]
    else:
        results.append(_run(("scores", _scores), subject))
    if not results[-1].problem:
        results += [_run(check, subject) for check in more]
    return results


def assert_conforms(method: Method, card: Card, *, features: bool = False, gradients: bool = False) -> None:
    """Raise an AssertionError that names every promise which the method breaks; see `check_method`."""
    results = check_method(method, card, features=features, gradients=gradients)
    problems = [f"{f.check}: {f.problem}" for f in results if f.problem]
    assert not problems, f"{getattr(method, 'name', method)!r}\n" + "\n".join(problems)


def pictures(height: int, width: int) -> Tensor:
    """Two coloured pictures ``[2, 3, height, width]`` of 8 bits: one with fine texture, one blurred."""
    noise = np.random.default_rng(5).standard_normal((2, 3, height, width))
    for axis in (1, 2):
        for picture, reach in ((0, 1), (1, 4)):
            noise[picture] = sum(np.roll(noise[picture], k, axis) for k in range(-reach, reach + 1))
    wave = np.sin(np.arange(width) / 9) + np.cos(np.arange(height) / 7)[:, None]
    x = 0.5 + 0.15 * wave + 0.06 * noise / noise.std(axis=(1, 2, 3), keepdims=True)
    return torch.from_numpy(np.round(x.clip(0, 1) * 255).astype(np.float32) / 255)


@dataclass
class _Subject:
    """A method, its card, two pictures and their scores, which are computed once."""

    method: Method
    card: Card
    images: Tensor

    @cached_property
    def scores(self) -> Tensor:
        return self.method.score(self.images.clone())

    @property
    def has_features_alone(self) -> bool:
        """Whether the method says that it has no scores; what else it raises, `_scores` says."""
        try:
            with torch.no_grad():
                self.scores  # noqa: B018
        except NoScores:
            return has_features(self.method)
        except Exception:
            return False
        return False


_Check = tuple[str, Callable[[_Subject], str]]


def _run(check: _Check, subject: _Subject) -> Finding:
    name, function = check
    try:
        with torch.no_grad():
            return Finding(name, function(subject))
    except Exception as error:  # whatever a method raises is what is wrong with it
        return Finding(name, f"raised {type(error).__name__}: {error}")


def _card(subject: _Subject) -> str:
    method, card = subject.method, subject.card
    if not isinstance(card, Card):
        return f"CARD is {type(card).__name__}, not benchmark.method.Card"
    wrong = [f.name for f in fields(card) if f.type == "str" and not isinstance(getattr(card, f.name), str)]
    empty = [name for name in _WORDS if name not in wrong and not getattr(card, name).strip()]
    if wrong or empty:
        return f"to be filled in, in words: {', '.join([*wrong, *empty])}"
    for name in ("opinion_aware", "higher_is_better"):
        if not isinstance(getattr(card, name), bool):
            return f"{name} must be True or False, not {getattr(card, name)!r}"
    if not card.low < card.high:
        return f"its range is {card.low} to {card.high}; low must lie below high"
    check_opinions(card.opinions_of, "opinions_of")  # says itself what is wrong, as do entries
    stated = {entry.what for entry in card.exposure or () if entry.kind == "opinions"}
    if card.exposure is not None and stated != set(card.opinions_of.split()) - {"unknown"}:
        return f"exposure names opinions of {sorted(stated)}, opinions_of says {card.opinions_of!r}"
    bibtex.entries(card.bibtex)
    return unlike_card(method, card)


def _no_scores(subject: _Subject) -> str:
    if no_scores(subject.method):
        return ""
    return (
        "score() raises NoScores, and there is no `no_scores` with the same words: it is asked before "
        "pictures are read"
    )


def _scores(subject: _Subject) -> str:
    if said := no_scores(subject.method):
        return f"`no_scores` says {said!r}, and score() does not raise NoScores, or there are no features"
    scores, count = subject.scores, len(subject.images)
    if not isinstance(scores, Tensor):
        return f"score() returned {type(scores).__name__}, not a tensor"
    if scores.shape != (count,):
        return f"score() of {count} pictures has the shape {list(scores.shape)}, not [{count}]"
    if scores.dtype != torch.float32 or scores.device.type != "cpu":
        return f"score() must return float32 on the CPU, not {scores.dtype} on {scores.device}"
    if not bool(scores.isfinite().all()):
        return f"score() of ordinary pictures is {scores.tolist()}"
    if scores[0] == scores[1]:
        return f"a sharp and a blurred picture have the same score, {scores[0]}"
    return ""


def _range(subject: _Subject) -> str:
    scores, card = subject.scores, subject.card
    if bool((scores >= card.low - TOLERANCE).all() and (scores <= card.high + TOLERANCE).all()):
        return ""
    return f"scores {scores.tolist()} leave the range of the card, {card.low} to {card.high}"


def _repeatable(subject: _Subject) -> str:
    with _seeded(1):
        again = subject.method.score(subject.images.clone())
    if torch.equal(again, subject.scores):
        return ""
    gap = _gap(again, subject.scores)
    return f"two runs differ by {gap:.2g}; draw nothing at random, or from a seed of your own"


def _input_kept(subject: _Subject) -> str:
    given = subject.images.clone()
    subject.method.score(given)
    return "" if torch.equal(given, subject.images) else "score() changes the pictures that it is given"


def _alone(subject: _Subject) -> str:
    alone = torch.cat([subject.method.score(image[None]) for image in subject.images])
    return _compare(subject.scores, alone, "the score of a picture alone and in a batch differ")


def _sizes(subject: _Subject) -> str:
    for size in SIZES:
        scores = subject.method.score(pictures(*size)[:1])
        if scores.shape != (1,) or not bool(scores.isfinite().all()):
            return f"a picture of {size[1]}x{size[0]} gives {scores.tolist()}"
    return ""


def _refusals(subject: _Subject) -> str:
    for what in (*(pictures(*size)[:1] for size in TINY), torch.zeros(1, 3, 128, 160)):
        size = f"{'black' if not what.any() else 'small'} picture of {what.shape[3]}x{what.shape[2]}"
        try:
            scores = subject.method.score(what)
        except ValueError as error:
            if not str(error):
                return f"a {size} is refused without a word"
        except Exception as error:
            return f"a {size} raises {type(error).__name__} ({error}); {_CURE}"
        else:
            if scores.shape != (1,) or not bool(scores.isfinite().all()):
                return f"a {size} gives {scores.tolist()}; {_CURE}"
    return ""


def _features(subject: _Subject) -> str:
    method, images = subject.method, subject.images
    if not has_features(method):
        return "the method has no `features`"
    rows = method.features(images)
    if not isinstance(rows, Tensor) or rows.ndim not in (2, 3) or len(rows) != len(images):
        return (
            f"features() must return [B, D], or [B, C, D] for C crops, not {list(getattr(rows, 'shape', []))}"
        )
    if rows.dtype != torch.float32 or rows.device.type != "cpu" or not bool(rows.isfinite().all()):
        return "features() must return finite float32 numbers on the CPU"
    alone = torch.cat([method.features(image[None]) for image in images])
    return _compare(rows, alone, "the features of a picture alone and in a batch differ")


def _sizes_of_features(subject: _Subject) -> str:
    length = subject.method.features(subject.images[:1]).shape[1:]  # type: ignore[attr-defined]
    for size in SIZES:
        rows = subject.method.features(pictures(*size)[:1])  # type: ignore[attr-defined]
        if rows.shape != (1, *length) or not bool(rows.isfinite().all()):
            return f"a picture of {size[1]}x{size[0]} gives features of the shape {list(rows.shape)}"
    return ""


def _gradients(subject: _Subject) -> str:
    method, images = subject.method, subject.images
    if not has_gradients(method):
        return "the method lacks one of `cam_module`, `cam_layer`, `cam_targets`"
    module, layer, targets = method.cam_module, method.cam_layer, tuple(method.cam_targets)
    if not any(part is layer for part in module.modules()):
        return "`cam_layer` is no part of `cam_module`"
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        with torch.enable_grad():
            outputs = module(images.clone().requires_grad_())
    finally:
        handle.remove()
    if outputs.shape != (len(images), len(targets)):
        return f"`cam_module` returns {list(outputs.shape)}, not [B, {len(targets)}], a column a target"
    if not seen or seen[-1].ndim != 4:
        return "the output of `cam_layer` is no stack of maps [B, C, h, w]"
    for column, target in enumerate(targets):
        gradient = None
        if outputs.requires_grad and seen[-1].requires_grad:
            weights = torch.zeros_like(outputs)
            weights[:, column] = 1
            (gradient,) = torch.autograd.grad(
                outputs, seen[-1], weights, retain_graph=True, allow_unused=True
            )
        if gradient is None or not bool(gradient.isfinite().all()) or not bool(gradient.any()):
            return f"the target {target!r} has no gradient at `cam_layer`"
    return ""


def _compare(a: Tensor, b: Tensor, words: str) -> str:
    if a.shape != b.shape:
        return f"{words} in shape: {list(b.shape)} and {list(a.shape)}"
    gap = _gap(a, b)
    return (
        ""
        if gap <= TOLERANCE
        else f"{words} by {gap:.2g} (relative to scores above 1); at most {TOLERANCE:g}"
    )


def _gap(a: Tensor, b: Tensor) -> float:
    return float(((a - b).abs() / a.abs().clamp(min=1)).max())


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Set every global generator, and put back what was there."""
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002 (methods may use the old generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002
