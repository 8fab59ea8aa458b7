"""Stage ``evaluate``: agreement of every method with the scores of every data set, with intervals."""

from __future__ import annotations

from typing import Any

from benchmark.protocols import by_distortion, differences, zero_shot
from experiments import results, stage


def evaluate() -> None:
    """Write ``zero_shot.csv``, ``by_distortion.csv`` and ``differences.csv``."""
    settings = stage.start(torch=False)
    names = list(settings.methods)
    direction = results.higher_is_better(names)
    whole, parts, pairs = [], [], []
    for dataset in settings.score.datasets:
        data = results.dataset(dataset)
        how: dict[str, Any] = {
            "mos_higher_is_better": data.record.higher_is_better,
            "resamples": settings.evaluate.resamples,
            "seed": settings.seed,
        }
        frames = {name: results.method_scores(name, dataset) for name in names}
        for name, frame in frames.items():
            keys = {"method": name, "dataset": dataset}
            own = how | {"higher_is_better": direction[name]}
            whole.append(zero_shot(frame, data.manifest, **own).assign(**keys))
            if data.manifest["distortion"].notna().any():
                parts.append(by_distortion(frame, data.manifest, **own).assign(**keys))
        if len(names) > 1:
            pairs.append(
                differences(frames, data.manifest, higher_is_better=direction, **how).assign(dataset=dataset)
            )
    stage.write_tidy(whole, ["method", "dataset"], stage.TABLES / "zero_shot.csv")
    stage.write_tidy(parts, ["method", "dataset", "distortion"], stage.TABLES / "by_distortion.csv")
    stage.write_tidy(pairs, ["dataset", "method_a", "method_b"], stage.TABLES / "differences.csv")


if __name__ == "__main__":
    stage.run(evaluate)
