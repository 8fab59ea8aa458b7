"""Stage ``ablation``: the variants side by side, each with its interval, and their differences."""

from __future__ import annotations

from typing import Any

from benchmark.protocols import Resampling, differences, zero_shot
from experiments import present, results, stage


def ablation() -> None:
    """Write ``ablation.csv`` and ``ablation_differences.csv``."""
    settings = present.narrowed(stage.start(torch=False))
    own = settings.ablation
    folder = stage.RESULTS / "ablation"
    higher = results.higher_is_better(own.variants, folder)
    rows, pairs = [], []
    for dataset in own.datasets:
        data = results.dataset(dataset)
        how: dict[str, Any] = {
            "mos_higher_is_better": data.record.higher_is_better,
            "how": Resampling(settings.evaluate.resamples, settings.seed, settings.evaluate.interval),
        }
        frames = {variant: results.scores(folder / variant / f"{dataset}.csv") for variant in own.variants}
        for variant, frame in frames.items():
            found = zero_shot(frame, data.manifest, higher_is_better=higher[variant], **how)
            rows.append(found.assign(variant=variant, dataset=dataset))
        if len(frames) > 1:
            found = differences(frames, data.manifest, higher_is_better=higher, **how)
            pairs.append(
                found.rename(columns={"method_a": "variant_a", "method_b": "variant_b"}).assign(
                    dataset=dataset
                )
            )
    stage.write_tidy(rows, ["variant", "dataset"], stage.TABLES / "ablation.csv")
    stage.write_tidy(pairs, ["dataset", "variant_a", "variant_b"], stage.TABLES / "ablation_differences.csv")


if __name__ == "__main__":
    stage.run(ablation)
