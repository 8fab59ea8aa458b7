"""Stage ``gradcam``: where the methods look, and whether it is where the picture is degraded."""

from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
import pandas as pd

from benchmark.attribution import Attributable, Trial, floors, implant, localise, maps, shuffled, table
from benchmark.images import write_png
from benchmark.method import has_gradients
from experiments import present, results, signing, stage
from experiments.settings import Gradcam
from experiments.trained import load_trained

FOLDER = stage.RESULTS / "gradcam"


def gradcam() -> None:
    """Write ``gradcam.csv`` and, for one picture a distortion, the raw maps of each prompt and the score."""
    settings = present.narrowed(stage.start())
    own = settings.gradcam
    loaded = {name: with_gradients(name) for name in own.methods}
    references = results.pristine(results.pictured(own.dataset, settings.prepare), own.images)
    trial = Trial(references, own.kinds, own.levels, settings.seed)
    judged = [*loaded.values(), *(shuffled(loaded[name], settings.seed) for name in own.shuffled)]
    measured = [localise(method, trial, own.how) for method in judged]
    targets = list(dict.fromkeys(target for frame in measured for target in frame["target"]))
    measured.append(floors(trial, targets))
    signing.write_tidy(
        [table(pd.concat(measured, ignore_index=True))],
        ["method", "target", "distortion"],
        stage.TABLES / "gradcam.csv",
        about=results.abouts(own.methods),
        dataset=own.dataset,
    )
    show(loaded, trial, own)


def with_gradients(name: str) -> Attributable:
    """Load a method whose outputs can be attributed.

    Raises
    ------
    ValueError
        If it has no gradients.
    """
    method = load_trained(name)
    if not has_gradients(method):
        raise ValueError(f"gradcam.methods: {name} has no gradients; remove it from the list")
    return cast(Attributable, method)


def show(loaded: dict[str, Attributable], trial: Trial, own: Gradcam) -> None:
    """Write the pictures to look at: each distortion on a region of another reference, with its raw maps."""
    level = max(own.levels)
    arrays: dict[str, Any] = {}
    index = []
    for i, kind in enumerate(own.kinds):
        picture = trial.references[i % len(trial.references)][None]
        worse, regions = implant(picture, kind, level, trial.seed, share=trial.share)
        image = f"images/{kind}.png"
        (FOLDER / "images").mkdir(parents=True, exist_ok=True)
        write_png(FOLDER / image, worse[0])
        arrays[f"{kind}-region"] = regions[0].numpy()
        for name, method in loaded.items():
            raw = maps(method, worse, None, own.how)[0].numpy()
            for target, values in zip(method.cam_targets, raw, strict=True):
                key = f"{kind}-{name}-{target}"
                arrays[key] = values
                keys = {"map": key, "image": image, "method": name, "target": target}
                index.append({**keys, "distortion": kind, "level": level, "region": f"{kind}-region"})
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    stage.write_bytes(FOLDER / "maps.npz", buffer.getvalue())
    stage.write_csv(pd.DataFrame(index), FOLDER / "maps.csv")


if __name__ == "__main__":
    stage.run(gradcam)
