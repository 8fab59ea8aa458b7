"""What a run will take, said before it starts: downloads, terms, forms, disk, memory, and counts of work.

Figures that nobody has measured are marked as estimates, with the rule behind them; what is not known is
said.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.datasets import catalogue
from benchmark.datasets.prepared.linked import folder_of
from benchmark.degradations import LEVELS
from benchmark.terms import number
from experiments.settings import Settings

#: What a stage holds with CLIP's RN50.
JOB_GB = 3
#: Files of weights as they are published, all that the paper profile names; sizes of files of these formats.
WEIGHTS_GB = 0.6
#: Seconds of one core that a picture takes whatever the device, of methods that are slow at it: measured,
#: IL-NIQE for any size, ARNIQA-OU at 512 x 384.
SECONDS = {"ilniqe": 0.7, "arniqa_ou": 2.0}
#: The same of a picture that is fitted to, where it differs; measured.
FITTING = {"arniqa_ou": 0.2}
#: Methods that ask an endpoint about each picture.
ASKING = {"vlm"}


def needs(settings: Settings, here: Path = Path()) -> Iterator[str]:
    """Say what a run of these settings will take, a line at a time; nothing where all of it is made here."""
    published = _published(settings)
    entries = [catalogue.entry(kind) for kind in published]
    if not entries:
        return
    sources = [given.get("source") for given in published.values()]
    yield from _downloads(entries, [folder_of(*one) for one in zip(entries, sources, strict=True)])
    yield from _room(entries, settings, here)
    yield from _work(settings, entries)


def _published(settings: Settings) -> dict[str, dict[str, Any]]:
    """Published data sets of the settings, each with its own settings."""
    named = {str(given.get("kind", name)): given for name, given in settings.prepare.settings.items()}
    return {kind: given for kind, given in named.items() if kind in catalogue.names()}


def _downloads(entries: Sequence[catalogue.Entry], folders: Sequence[Path]) -> Iterator[str]:
    yield "To fetch"
    for entry, folder in zip(entries, folders, strict=True):
        size = f"{entry.archive.gb:8.2f} GB" if entry.archive else "  unknown   "
        if folder.is_dir():
            way = f"here: {folder}"
        elif not entry.sources:
            way = f"by hand: `iqa datasets {entry.name}`"
        elif entry.asks:
            way = f"a form on {entry.page}, or the mirror: `iqa download {entry.name} --accept-terms`"
        else:
            way = f"`iqa download {entry.name}`"
        yield f"  {entry.name:12}{size}  {way}"
        known = f" ({entry.archive.known_from})" if entry.archive else ""
        yield f"  {'':12}{'':11}  {entry.licence}{known}"
    unknown = sum(entry.archive is None for entry in entries)
    also = f", and {unknown} of unknown size" if unknown else ""
    yield f"  {'together':12}{_gigabytes(entries):8.2f} GB{also}"
    yield f"  {'weights':12}{WEIGHTS_GB:8.2f} GB  at the first use, by `train@METHOD`; estimate"


def _gigabytes(entries: Sequence[catalogue.Entry]) -> float:
    return sum(entry.archive.gb for entry in entries if entry.archive)


def _room(entries: Sequence[catalogue.Entry], settings: Settings, here: Path) -> Iterator[str]:
    known = _gigabytes(entries)
    free = shutil.disk_usage(here).free / 1e9
    enough = "enough" if free > 2 * known else "NOT ENOUGH"
    yield "\nTo hold (estimates)"
    yield f"  disk    {2 * known:.0f} GB: archives and as much unpacked; free here {free:.0f} GB, {enough}"
    yield f"  memory  {JOB_GB} GB for each of `iqa repro --jobs`"


def _work(settings: Settings, entries: Sequence[catalogue.Entry]) -> Iterator[str]:
    images = {entry.name: entry.counts.get("images", 0) for entry in entries}
    scored = sum(images.get(name, 0) for name in settings.score.datasets)
    probed = sum(images.get(name, 0) for name in settings.cross_dataset.datasets)
    count = len(settings.methods)
    work = {
        "scores": count * scored,
        "features, at most": sum(map(settings.cross_dataset.takes, settings.methods)) * probed,
        "scores of the sweep": sum(_swept(settings, name) for name in settings.methods),
    }
    yield "\nTo compute"
    for what, count in work.items():
        yield f"  {count:>11,}  {what}: {_days(count)}"
    for name, method in settings.methods.items():
        trained = _steps(method.train or {}, images.get(settings.train.dataset, 0))
        if trained:
            yield f"  {trained:>11,}  training steps of {name}"
    for name, method in settings.methods.items():
        if method.module in ASKING:
            asked = scored + _swept(settings, name)
            yield f"  {asked:>11,}  requests of {name} at least, but for what its endpoint has answered"
    yield from _fits(settings, scored)
    longer = len(settings.ablation.variants) + len(settings.ablation.seeds)
    yield (
        f"  {longer:>11,}  ablations and seeds, each as long as the training of {settings.ablation.method}"
        + (f" with {settings.ablation.changes}" if settings.ablation.changes else "")
    )
    yield "  Pictures a second with CLIP's RN50: 7 on two cores at 481 x 321, measured; at 1024 x 768 about"
    yield "  1.4, an estimate. On an H200 385 at 512 x 384; yours: `iqa bench --method clipiqa`."


def _swept(settings: Settings, method: str) -> int:
    """Return how many pictures of the sweep a method scores: all but those that ask do, or those named."""
    named = settings.sweep.methods
    if settings.methods[method].module in ASKING if named is None else method not in named:
        return 0
    kinds = list(LEVELS) if settings.sweep.kinds == "all" else settings.sweep.kinds
    return settings.sweep.images * sum(len(LEVELS[kind]) for kind in kinds)


def _fits(settings: Settings, scored: int) -> Iterator[str]:
    """Say how many pictures are fitted to, and how long those methods take that no device makes faster."""
    for name, method in settings.methods.items():
        seconds = SECONDS.get(method.module, 0.0)
        if count := (method.train or {}).get("count"):
            lasts = f": {_hours(FITTING.get(method.module, seconds) * count)}" if seconds else ""
            yield f"  {count:>11,}  pristine pictures that {name} is fitted to{lasts}"
        if seconds:
            scores = scored + _swept(settings, name)
            yield f"  {scores:>11,}  scores by {name}, of those above: {_hours(seconds * scores)}"


def _hours(seconds: float) -> str:
    return f"{number(seconds / 3600, 1)} hours of one core"


def _steps(train: dict[str, Any], pictures: int) -> int:
    """Return the steps that a training's settings ask for; 0 for one without."""
    if "epochs" in train and "batch" in train:
        return int(train["epochs"] * pictures / train["batch"])
    return int(train.get("steps", 0))


def _days(count: int) -> str:
    slow, fast = count / 1 / 86400, count / 100 / 86400
    return f"{number(slow, 1)} days at 1 a second, {number(fast * 24, 1)} hours at 100"
