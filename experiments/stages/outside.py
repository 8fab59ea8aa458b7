"""Stage ``outside``: what DVC cannot see, files that settings name and that lie outside what it tracks.

These are the releases that data sets are links to, weights that a method or a variant of the ablation is told
to load, pictures in a folder that a method is fitted to, and packages that score in a method's place. The
stage always runs, for a second, and writes a line a data set or method, which differs once such a file was
touched, or another release of a package installed. `prepare` and `train` depend on it; what they then make of
the files is told by digests.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmark import files
from benchmark.datasets.prepared import linked
from benchmark.datasets.prepared.contents import stamp_of
from experiments import process
from experiments import settings as settings_of
from experiments.runs import stage
from experiments.runs.releases import releases
from experiments.settings.ablations import VARIANTS

OUTSIDE = Path(".outside")


def outside() -> None:
    """Write ``.outside/datasets/<name>`` and ``.outside/methods/<name>`` for all that the settings declare.

    Where a release is not here and was prepared with these settings, what was made of it stands.
    """
    settings = settings_of.load()
    prepare = settings.prepare
    for name in prepare.datasets:
        path = OUTSIDE / "datasets" / name
        asked, found = linked.state(name, prepare.settings.get(name, {}))
        if found is None and path.is_file() and path.read_text().startswith(f"settings {asked}\n"):
            print(f"{name}: its release is not here; what was made of it stands", file=sys.stderr)
        else:
            files.write_text(path, f"settings {asked}\nfiles {'not here' if found is None else found}\n")
    for name, method in settings.methods.items():
        told: list[Any] = [method.train, method.load]
        if name == settings.ablation.method:
            told += _of_variants(settings)
        stamps = [" ".join((str(path), *stamp_of(path))) for path in dict.fromkeys(stage.named_files(told))]
        stamps += releases(Path(method.code))
        files.write_text(OUTSIDE / "methods" / name, "\n".join([*stamps, ""]) if stamps else "names none\n")
    for folder, names in (("datasets", prepare.datasets), ("methods", settings.methods)):
        for path in (OUTSIDE / folder).iterdir():
            if path.name not in names:
                path.unlink()


def _of_variants(settings: settings_of.Settings) -> list[Any]:
    """What the variants of the ablation change; one whose file is missing is for its own stage to say."""
    paths = [VARIANTS / f"{name}.yaml" for name in settings.ablation.variants]
    changes = [files.read_yaml(path.read_text()) for path in paths if path.is_file()]
    return [settings.ablation.changes, *changes]


if __name__ == "__main__":
    process.run(outside)
