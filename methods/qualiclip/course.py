"""What the published checkpoint says of its training, before one that is to repeat it begins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmark import files
from benchmark.method import COURSE
from methods._shared.clip.qualiclip_file import official_file_here
from methods._shared.clip.weights import pretrained_file
from methods._shared.weights import comparison
from methods.qualiclip.settings import Training

#: Architecture and weights that the published training started from.
START = ("RN50-quickgelu", "openai")


def say(settings: Training, out: Path) -> None:
    """Compare the published checkpoint with what it started from, where a training starts there too.

    Says on standard error what that implies and writes it to ``out``. Nothing is fetched for it: without the
    checkpoint in the cache nothing is said, nor of a training of no steps.
    """
    official = official_file_here()
    starts_there = (settings.architecture, settings.pretrained) == START
    if official is None or not starts_there or not settings.steps:
        return
    said = compared(pretrained_file(*START), official, settings)
    for line in said["implied"]:
        print(f"{official.name}: {line}", file=sys.stderr)
    files.write_json(said, out / COURSE)


def compared(before: Path, after: Path, settings: Training) -> dict[str, Any]:
    """Return the files' names, the moves by part of the network, and in words what they imply.

    The last line says whether the ``lr`` of the training can have moved the checkpoint so far: Adam moves a
    number by about that much a step, and no further.
    """
    first, second = comparison.named(before), comparison.named(after)
    table = comparison.compare(first, second)
    implied = comparison.implied(table, first, second, settings.steps)
    learnt = table["part"].eq("image") & table["kind"].ne("norm statistics")
    if farthest := float(table.loc[learnt, "largest"].max()):
        reach = settings.lr * settings.steps
        verdict = "too little for that move" if reach < farthest else "enough for that move"
        paced = f"lr {settings.lr:.2g} over {settings.steps:,} steps"
        implied.append(f"This training's {paced} reaches {reach:.2g}: {verdict}.")
    moves = comparison.summary(table).to_dict("records")
    return {"before": before.name, "after": after.name, "moves": moves, "implied": implied}
