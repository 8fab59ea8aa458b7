"""What the settings name, against what is on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import methods
from benchmark.datasets._known import MADE
from experiments.runs import results, stage
from experiments.settings import Settings

#: Which groups of the kernel this process is in, and where they say what they allow.
GROUPS, MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
#: Name, whether it is there, and how much, or what makes it.
Line = tuple[str, bool, str]


def allowed(groups: Path = GROUPS, mounted: Path = MOUNTED) -> int | None:
    """Bytes that a batch system, a hub or a container lets this process take (cgroups), or nothing."""
    limits = []
    for line in groups.read_text().splitlines() if groups.is_file() else ():
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            top, name = mounted, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = mounted / "memory", "memory.limit_in_bytes"
        else:
            continue
        inside = top / group.lstrip("/")
        for folder in (inside, *inside.parents):
            told = (folder / name).read_text().strip() if (folder / name).is_file() else ""
            limits += [int(told)] if told.isdigit() else []
    return min(limits, default=None)


def data_sets(settings: Settings, root: Path = stage.DATA) -> Iterator[Line]:
    """Say of each data set of the settings how many pictures it has, or what prepares it."""
    for name in settings.prepare.datasets:
        if not (root / name / "manifest.csv").is_file():
            yield name, False, f"run `dvc repro prepare@{name}`{_first(name)}"
            continue
        try:
            data = results.pictured(name, settings.prepare, root)
        except ValueError as error:
            yield name, False, str(error)
            continue
        yield name, True, f"{len(data.manifest):,} pictures; {data.record.title}"


def _first(name: str) -> str:
    made = name in MADE
    return "" if made else f", after its files are there (`iqa datasets {name}` says how)"


def scores(settings: Settings) -> Iterator[Line]:
    """Say of each method and data set that are there whether the one has scored the other."""
    for method in settings.methods:
        for name in settings.score.datasets:
            both = (stage.MODELS / method / "method.json").is_file() and (stage.DATA / name).is_dir()
            done = (stage.RESULTS / "scores" / method / f"{name}.csv").is_file()
            if both:
                yield (
                    f"{method} on {name}",
                    done,
                    "scored" if done else f"run `dvc repro score@{method}`",
                )


def trained(settings: Settings, models: Path = stage.MODELS) -> Iterator[Line]:
    """Say of each method of the settings whether its stage has left it, or what trains it."""
    for name, method in settings.methods.items():
        card = methods.card(method.module)
        done = (models / name / "method.json").is_file()
        yield name, done, f"{card.title}; {card.licence}" if done else f"run `dvc repro train@{name}`"
