"""Where the methods look, and whether it is where the picture is degraded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pandas as pd
from numpy.typing import NDArray

from benchmark import files
from benchmark.attribution import Attributable, Trial, floors, implant, localise, maps, shuffled, table
from benchmark.datasets.prepared import Pictures
from benchmark.images import write_png
from benchmark.method import has_gradients
from experiments.analyses.subject import Subject, digest_of, references_of
from experiments.runs import results, stage
from experiments.runs.cells import Cells, Tables, code
from experiments.settings import Settings

FOLDER = stage.RESULTS / "gradcam"


def trial_of(settings: Settings) -> Trial:
    """What is degraded, where and how: the same for every method and floor."""
    asked = settings.gradcam
    data = results.pictured(asked.dataset, settings.prepare)
    return Trial(results.pristine(data, asked.images), asked.kinds, asked.levels, settings.seed)


def groups_of(trial: Trial) -> list[int] | None:
    """Reference of each photograph of a trial, as `table` takes them."""
    return references_of(trial.references) if isinstance(trial.references, Pictures) else None


def attributions(subject: Subject) -> None:
    """Measure where a method looks, and keep a raw map of each kind to look at: cells ``gradcam``, ``maps``.

    Raises
    ------
    ValueError
        If the settings name the method and it has no gradients.
    """
    asked = subject.settings.gradcam
    if asked.methods is not None and subject.name not in asked.methods:
        return
    trial = trial_of(subject.settings)
    about = made_from(subject.settings, trial, method=subject.version, named=asked.methods is not None)
    about |= {"shuffled": subject.name in asked.shuffled}
    tables = subject.cells.tables("gradcam", about, lambda: measured(subject, trial))
    if tables:
        subject.cells.file("maps.npz", about, lambda: files.packed(raw_maps(subject, trial)))


def made_from(settings: Settings, trial: Trial, **more: Any) -> dict[str, Any]:
    """What maps rest on beside the method."""
    asked = settings.gradcam
    shown = results.dataset(asked.dataset)
    pictures = results.pristine(shown, asked.images)
    return {
        **{"code": code("experiments.analyses.gradcam"), "threads": settings.threads, "seed": settings.seed},
        **{"how": asked.how, "kinds": asked.kinds, "levels": asked.levels},
        "pictures": digest_of(shown, pictures.names),
        "references": references_of(pictures),
        **more,
    }


def measured(subject: Subject, trial: Trial) -> Tables:
    """Where the maps of a method point and, where that is asked for, those of its shuffled weights.

    Nothing of a method without gradients, unless the settings name it: that is an error.
    """
    asked, method = subject.settings.gradcam, subject.method
    if not has_gradients(method):
        lists = {"methods": asked.methods is not None, "shuffled": subject.name in asked.shuffled}
        if named := next((key for key, listed in lists.items() if listed), None):
            raise ValueError(f"gradcam.{named}: {method.name} has no gradients; remove it from the list")
        return {}
    seen = cast(Attributable, method)
    groups = groups_of(trial)
    tables = {"own": table(localise(seen, trial, asked.how), groups)}
    if subject.name in asked.shuffled:
        tables["shuffled"] = table(localise(shuffled(seen, trial.seed), trial, asked.how), groups)
    return tables


def raw_maps(subject: Subject, trial: Trial) -> dict[str, NDArray[Any]]:
    """Raw map of each kind and target, ``kind-target``, of the picture that `shown_of` gives."""
    method, how = cast(Attributable, subject.method), subject.settings.gradcam.how
    arrays: dict[str, NDArray[Any]] = {}
    for kind, _, worse, _ in shown_of(trial):
        raw = maps(method, worse, None, how)[0].numpy()
        arrays |= {f"{kind}-{target}": m for target, m in zip(method.cam_targets, raw, strict=True)}
    return arrays


def shown_of(trial: Trial) -> Any:
    """Each kind with the place of a reference, it ``[1, 3, H, W]`` with a region degraded, and the region."""
    for i, kind in enumerate(trial.kinds):
        place = i % len(trial.references)
        picture = trial.references[place][None]
        worse, regions = implant(picture, kind, max(trial.levels), trial.seed, share=trial.share)
        yield kind, place, worse, regions[0].numpy()


def joined(settings: Settings, found: Mapping[str, Cells]) -> list[pd.DataFrame]:
    """Tables of all methods, their shuffled weights and the floors; writes the maps to look at.

    Parameters
    ----------
    settings
        All settings.
    found
        Cells of each method that has some.
    """
    trial = trial_of(settings)
    tables_of = {name: tables for name, cells in found.items() if (tables := cells.read("gradcam"))}
    measured = [tables["own"] for tables in tables_of.values()]
    measured += [tables["shuffled"] for tables in tables_of.values() if "shuffled" in tables]
    targets = list(dict.fromkeys(target for frame in measured for target in frame["target"]))
    cells, about = Cells(FOLDER), made_from(settings, trial)
    blind = cells.tables("floors", about, lambda: {"floors": table(floors(trial, [""]), groups_of(trial))})[
        "floors"
    ]
    measured += [blind.assign(target=target) for target in targets]
    shown = {name: cells.arrays("maps.npz") for name, cells in found.items() if name in tables_of}
    names = results.pristine(results.dataset(settings.gradcam.dataset), settings.gradcam.images).names
    _show(shown, trial, names, cells, about)
    return measured


def _show(
    shown: Mapping[str, Mapping[str, NDArray[Any]]],
    trial: Trial,
    names: Sequence[str],
    cells: Cells,
    about: Mapping[str, Any],
) -> None:
    """Write the pictures to look at and, of all methods together, ``maps.npz`` and its index ``maps.csv``.

    ``names`` are the pictures of the data set that the trial's references are.
    """
    arrays: dict[str, NDArray[Any]] = {}
    index = []
    for kind, place, worse, region in shown_of(trial):
        image = f"images/{kind}.png"
        if not cells.kept(image, about):
            (FOLDER / "images").mkdir(parents=True, exist_ok=True)
            write_png(FOLDER / image, worse[0])
            cells.note(image, about)
        arrays[f"{kind}-region"] = region
        for name, tables in shown.items():
            for target in (key.removeprefix(f"{kind}-") for key in tables if key.startswith(f"{kind}-")):
                key = f"{kind}-{name}-{target}"
                arrays[key] = tables[f"{kind}-{target}"]
                keys = {"map": key, "image": image, "picture": names[place], "method": name, "target": target}
                index.append({**keys, "distortion": kind, "level": max(trial.levels)})
    columns = ["map", "image", "picture", "method", "target", "distortion", "level", "region"]
    frame = pd.DataFrame(index, columns=columns[:-1])
    frame["region"] = frame["distortion"] + "-region"
    files.write_bytes(FOLDER / "maps.npz", files.packed(arrays))
    files.write_csv(frame, FOLDER / "maps.csv")
    cells.close(also=["maps.npz", "maps.csv"])
