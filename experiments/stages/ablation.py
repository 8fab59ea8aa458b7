"""Stage ``ablation``: variants with their intervals and differences, and what another seed does."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmark.evidence import decides
from benchmark.protocols import Resampling, against_seeds, differences, seeds, zero_shot
from benchmark.provenance import published
from experiments import process
from experiments.runs import available, results, signatures, stage
from experiments.runs.results import ABLATED, BASE, VARIANTS

KEYS = ["variant", "dataset"]
PAIR = ["dataset", "variant_a", "variant_b"]


def ablation() -> None:
    """Write ``ablation.csv``, ``ablation_differences.csv`` and ``seeds.csv``."""
    settings = available.narrowed(stage.start(torch=False))
    asked = settings.ablation
    seed_of = {BASE: settings.seed, **{f"seed_{seed}": seed for seed in asked.seeds}}
    names = results.trained(asked)
    methods = results.methods(names, ABLATED)
    higher = {name: one.higher_is_better for name, one in methods.items()}
    rows, pairs, spreads = [], [], []
    for dataset in available.compared_on(asked.datasets, names):
        data = results.dataset(dataset)
        manifest = data.rated(settings.evaluate.ratings.get(dataset))
        options: dict[str, Any] = {
            "mos_higher_is_better": data.record.higher_is_better,
            "how": Resampling(settings.evaluate.resamples, settings.seed, settings.evaluate.interval),
        }
        frames = {name: results.scores(VARIANTS / dataset / f"{name}.csv") for name in names}
        tables = [
            zero_shot(
                frame,
                manifest,
                higher_is_better=higher[name],
                mapping=settings.evaluate.mapping,
                **options,
            ).assign(variant=name)
            for name, frame in frames.items()
        ]
        table = pd.concat(tables, ignore_index=True).assign(dataset=dataset) if tables else pd.DataFrame()
        if len(table):
            rows.append(table[table["variant"].isin(asked.variants)])
        if len(asked.seeds) and BASE in asked.variants:
            spreads.append(_seeds(table, seed_of, methods[BASE].published_as))
        if len(asked.variants) > 1:
            compared = {name: frames[name] for name in asked.variants}
            tested = differences(
                compared, manifest, higher_is_better=higher, margin=settings.evaluate.margin, **options
            )
            renamed = tested.rename(columns={"method_a": "variant_a", "method_b": "variant_b"})
            pairs.append(renamed.assign(dataset=dataset))
    signatures.write_tidy(rows, KEYS, stage.TABLES / "ablation.csv", methods=methods)
    signatures.write_tidy(pairs, PAIR, stage.TABLES / "ablation_differences.csv", methods=methods)
    signatures.write_tidy(spreads, KEYS, stage.TABLES / "seeds.csv", methods=methods)


def _seeds(table: pd.DataFrame, seed_of: dict[str, int], method: str) -> pd.DataFrame:
    """Spread of the base variant over its runs; beside it each other variant's one run, held against it.

    ``within``: a difference from the published figure, or of the variant, is no more than seeds make; empty
    where too few references or pictures stand behind it, or the published figure is of other pictures.
    """
    runs = table[table["variant"].isin(list(seed_of))]
    spread = seeds(runs.assign(seed=runs["variant"].map(seed_of), variant=BASE))
    spread = published.attach(spread, method=method).drop(columns=["version"])
    verdicts = map(published.verdict, spread["published"], spread["low"], spread["high"])
    parts = map(published.same_protocol, spread["statistic"], spread["published_part"])
    judges = [decides(units) and same for units, same in zip(spread["units"], parts, strict=True)]
    said = [verdict if may else "" for verdict, may in zip(verdicts, judges, strict=True)]
    spread["within"] = [verdict == "agrees" if verdict else None for verdict in said]
    others = table[~table["variant"].isin(list(seed_of))]
    return pd.concat([spread, against_seeds(spread, others)], ignore_index=True)


if __name__ == "__main__":
    process.run(ablation)
