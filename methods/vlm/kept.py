"""Answers on disk: asked for once, and the same in every later run; and what they cost."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark import files
from methods.vlm.reading import Completion, restored

#: Laid out otherwise, entries are asked for again.
LAYOUT = 1
#: Held while usage is counted; of the module, so that a method can be copied and pickled.
_LOCK = threading.Lock()


def folder_of(cache: Path, model: str, question: str) -> Path:
    """Folder of the answers to one question: named after the model, and told apart by the digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:60] or "model"
    return cache / f"{slug}-{question[:12]}"


def key_of(question: str, picture: str) -> str:
    """Key of an answer, from the digests of question and picture."""
    return hashlib.sha256(f"{question}\n{picture}".encode()).hexdigest()


class Kept:
    """The answers to one question; several processes and threads may share them.

    Parameters
    ----------
    folder
        Where they are.
    about
        The question, written beside them for readers.
    prices
        Of a million tokens of prompts and of answers, or nothing.
    """

    def __init__(
        self, folder: Path, about: dict[str, Any], prices: tuple[float | None, float | None] = (None, None)
    ) -> None:
        self.folder, self.about = folder, about
        self.usage = Usage(folder / "usage.csv", prices)

    def path(self, key: str) -> Path:
        """File of an answer."""
        return self.folder / "answers" / key[:2] / f"{key}.json"

    def get(self, key: str) -> Completion | None:
        """Return an answer; nothing where there is none, or not a whole one."""
        try:
            entry = json.loads(self.path(key).read_bytes())
            fields = entry["answer"]
            whole = (entry["layout"], entry["key"], entry["sha256"]) == (LAYOUT, key, _digest(fields))
            return restored(fields) if whole else None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def check(self) -> None:
        """Make sure, before an answer is paid for, that it can be kept; raises OSError where it cannot."""
        try:
            files.check_folder(self.folder)
        except ValueError as error:
            raise OSError(f"vlm: answers cannot be kept: {error}") from error

    def put(self, key: str, answer: Completion) -> Completion:
        """Keep an answer and count it; returns the one that is kept.

        Where another process has kept one meanwhile, that one stands: scores are read from it in every run.
        """
        path = self.path(key)
        fields = json.loads(json.dumps(asdict(answer)))
        entry = {"layout": LAYOUT, "key": key, "sha256": _digest(fields), "answer": fields}
        if not (self.folder / "about.json").exists():
            files.write_json(self.about, self.folder / "about.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        _place(path, json.dumps(entry, sort_keys=True).encode() + b"\n", replace=self.get(key) is None)
        self.usage.add(key, answer)
        return self.get(key) or answer


def _digest(fields: Any) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _place(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a file whole, unless somebody else has; `replace` says that what may be there is broken."""
    if path.exists():
        if replace:
            files.write_bytes(path, content)
        return
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        aside.write_bytes(content)
        try:
            os.link(aside, path)  # unlike a rename, it fails where somebody was faster
        except FileExistsError:
            pass
        except OSError:  # a disk without hard links
            os.replace(aside, path)
    except OSError as error:
        if error.errno in files.FULL:
            raise files.full(path, error.errno) from error
        raise
    finally:
        aside.unlink(missing_ok=True)


@dataclass(frozen=True)
class Total:
    """What answers took: how many, their tokens, and how many of them did not say."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    without_usage: int = 0

    def plus(self, line: str) -> Total:
        """Add a line of ``usage.csv``; one that is none adds nothing."""
        if not (found := re.fullmatch(r"[0-9a-f]{64},([0-9]*),([0-9]*)", line)):
            return self
        prompt, completion = found.groups()
        return Total(
            self.answers + 1,
            self.prompt_tokens + int(prompt or 0),
            self.completion_tokens + int(completion or 0),
            self.without_usage + (not prompt or not completion),
        )

    def cost(self, prices: tuple[float | None, float | None]) -> float | None:
        """Return the cost at prices of a million tokens of prompts and of answers; nothing without prices."""
        if prices == (None, None):
            return None
        return (self.prompt_tokens * (prices[0] or 0) + self.completion_tokens * (prices[1] or 0)) / 1e6


class Usage:
    """Counts every answer that was asked for, in a line of a file that only grows, and adds them up."""

    def __init__(self, path: Path, prices: tuple[float | None, float | None]) -> None:
        self.path, self.prices = path, prices
        self._total, self._read = Total(), 0

    def add(self, key: str, answer: Completion) -> None:
        """Append one answer. A line this short is written at once, also beside other processes."""
        counts = ["" if n is None else str(n) for n in (answer.prompt_tokens, answer.completion_tokens)]
        with _LOCK, self.path.open("ab", buffering=0) as file:
            file.write(f"{','.join([key, *counts])}\n".encode())

    def total(self) -> Total:
        """Add up all lines, of other processes and of earlier runs too; only new ones are read."""
        with _LOCK:
            if self.path.is_file():
                with self.path.open("rb") as file:
                    file.seek(self._read)
                    whole, end, _ = file.read().rpartition(b"\n")
                self._read += len(whole + end)
                for line in whole.decode(errors="replace").split("\n"):
                    self._total = self._total.plus(line)
            return self._total

    def write(self) -> None:
        """Write the sum beside the answers, ``usage.json``, with the cost where prices are given."""
        total = self.total()
        cost = total.cost(self.prices)
        known = (
            {} if cost is None else {"cost": cost, "price_in": self.prices[0], "price_out": self.prices[1]}
        )
        files.write_json({**asdict(total), **known}, self.path.with_name("usage.json"))
