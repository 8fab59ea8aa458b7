"""Stage ``score@method-dataset``: one score an image."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmark.scoring import Row, write_scores
from experiments import results, scoring_run, stage
from experiments.closure import closure
from experiments.journal import of_run
from experiments.settings import Score
from experiments.trained import load_trained


def score(method: str, dataset: str) -> None:
    """Score data set ``dataset`` with ``method``."""
    settings = stage.start()
    out = stage.RESULTS / "scores" / method / f"{dataset}.csv"
    journal = out.with_name(f"{out.name}.part")
    score_into(
        out, journal, stage.MODELS / method, results.pictured(dataset, settings.prepare), settings.score
    )
    journal.unlink()


def score_into(out: Path, journal: Path, model: Path, data: results.Dataset, settings: Score) -> None:
    """Score every picture of a data set with a trained method; what was stopped goes on where it was.

    Parameters
    ----------
    out
        File of the scores.
    journal
        File that takes them as they come, and that an earlier run may have left; it is left there.
    model
        Folder that training left.
    data
        The data set.
    settings
        Batch and engine.

    Raises
    ------
    ValueError
        If not one picture could be scored: a table of errors alone is no result.
    """
    names = data.manifest["image"].tolist()
    files = [data.root / name for name in names]
    method = load_trained(model.name, model.parent)
    how = scoring_run.How(batch=settings.batch, short_side=data.record.short_side)

    def rows_of(done: Mapping[int, scoring_run.Size | None]) -> Iterator[list[Row]]:
        if settings.engine == "local":
            return scoring_run.local_rows(files, method, how, done)
        from experiments.engine_ray import ray_rows

        return ray_rows(files, str(model), how, done)

    version = stage.sha256([model / "method.json", *closure("experiments.score")])
    about = scoring_run.fingerprint(method, how, version=version, engine=settings.engine)
    frame = scoring_run.collect(files, rows_of, about, journal=journal, resume=of_run(journal, about))
    if frame["score"].isna().all():
        journal.unlink()
        raise ValueError(
            f"{method.name} could score none of the {len(frame)} pictures of {data.record.name}; "
            f"{names[0]}: {frame['error'].iloc[0]}"
        )
    write_scores(frame.assign(image=names), out)


if __name__ == "__main__":
    stage.run(score, *sys.argv[1:])
