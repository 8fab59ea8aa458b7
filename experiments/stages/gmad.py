"""Stage ``gmad``: the methods attack each other; the data set's scores judge the pairs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark import files
from benchmark.gmad import Competition, common_scale, competition, references_of
from benchmark.gmad.tally import by_people, read_answers, tally
from experiments import process
from experiments.runs import available, results, signatures, stage

KEYS = ["dataset", "judge"]
#: The stage depends on this folder, so that further answers run it again.
ANSWERS = Path("experiments/answers")


def gmad() -> None:
    """Write ``gmad/pairs.csv``, ``gmad.csv`` and ``gmad_matrix.csv``."""
    settings = available.narrowed(stage.start(torch=False))
    asked = settings.gmad
    rounds = []
    for dataset in asked.datasets:
        names = available.scored_by(list(settings.methods), dataset)
        direction = results.higher_is_better(names)
        data = results.dataset(dataset)
        manifest = data.manifest.set_index("image")
        frame = pd.DataFrame(
            {name: results.method_scores(name, dataset).set_index("image")["score"] for name in names}
        )
        complete = frame.dropna().index.intersection(manifest["mos"].dropna().index)
        if len(complete) < len(frame):
            print(
                f"{dataset}: {len(frame) - len(complete)} images lack a score or a judgement and take no part"
            )
        mos = manifest["mos"] if data.record.higher_is_better else -manifest["mos"]
        scaled = common_scale(frame.loc[complete], asked.scale, mos=mos, higher_is_better=direction)
        references = references_of(manifest.loc[complete].reset_index())
        rounds.append(
            competition(
                scaled,
                mos.loc[complete],
                manifest["mos_std"].loc[complete],
                dataset=dataset,
                judge="proxy" if data.record.rated_by == "proxy" else "mos",
                levels=asked.levels,
                half_width=asked.half_width,
                seed=settings.seed,
                references=references,
            )
        )
        if dataset in asked.answers:
            folder, pairs = asked.answers[dataset], rounds[-1].pairs
            rounds.append(judged_by_people(pairs, dataset, folder, settings.seed, references))
    if not rounds:
        raise ValueError("gmad.datasets: none of them is prepared; `iqa doctor` says how to bring them")
    files.write_csv(
        pd.concat([r.pairs for r in rounds], ignore_index=True), stage.RESULTS / "gmad" / "pairs.csv"
    )
    methods = results.methods(settings.methods)
    signatures.write_tidy(
        [r.table for r in rounds], [*KEYS, "method"], stage.TABLES / "gmad.csv", methods=methods
    )
    pairs = [*KEYS, "method_a", "method_b"]
    signatures.write_tidy(
        [r.matrix for r in rounds], pairs, stage.TABLES / "gmad_matrix.csv", methods=methods
    )


def judged_by_people(
    pairs: pd.DataFrame, dataset: str, folder: str, seed: int, references: pd.Series | None = None
) -> Competition:
    """Judge the pairs anew by the answers that people saved in ``folder``.

    Raises
    ------
    ValueError
        If the folder holds no answers, or lies where the pipeline would not see them change, or they are
        about other pairs.
    """
    if ANSWERS not in Path(folder).parents or ".." in Path(folder).parts:
        raise ValueError(
            f"gmad.answers.{dataset}: {folder} must lie below {ANSWERS}, which the pipeline watches"
        )
    answers = sorted(Path(folder).glob("[!.]*.json"))
    if not answers:
        raise ValueError(
            f"gmad.answers.{dataset}: {folder} holds no .json files; `iqa gmad judge` asks for them"
        )
    votes = tally(pairs, read_answers(answers), seed=seed)
    return by_people(pairs, votes, dataset=dataset, seed=seed, references=references)


if __name__ == "__main__":
    process.run(gmad)
