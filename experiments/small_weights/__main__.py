"""Make the weights anew: ``python -m experiments.small_weights PHOTOGRAPHS OUT`` (see the method's card)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmark.datasets._photographs import PHOTOGRAPHS, photograph_path
from benchmark.datasets._seeds import item_seed
from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.images import write_png
from benchmark.method import TrainingData
from experiments.small_weights import photographs, squares
from methods.qualiclip.settings import Training
from methods.qualiclip.training import train

SEED = 27
SETTINGS = Training.model_validate(
    {
        "architecture": "small",
        "width": 20,
        "pretrained": None,
        "steps": 2_700,
        "batch": 16,
        "crop": 128,
        "order": "monotone",
        "drawn": "groups",
        "rank_across": 1.0,
        "norm": "train",
        "lr": 1e-3,
        "warmup": 100,
        "decay": "cosine",
        "cache": 3_000,
        "log_every": 50,
    }
)


def pictures(found: list[Path], out: Path, workers: int) -> list[Path]:
    """Write squares of the photographs, and as many dead leaves, into ``out``.

    Parameters
    ----------
    found
        All photographs, in the order of the list.
    out
        Folder.
    workers
        How many draw at a time.
    """
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        cut = pool.map(partial(squares.write, out=out, seed=SEED), found, photographs.listed()["sha256"])
        written = sorted(path for paths in cut for path in paths)
        leaves = [out / f"leaves_{index:04d}.png" for index in range(len(written))]
        list(pool.map(draw_leaves, leaves))
    return written + leaves


def draw_leaves(path: Path) -> None:
    """Write a picture of dead leaves, drawn from its name."""
    write_png(path, dead_leaves(squares.SIZE, item_seed(SEED, "small_weights", path.stem)))


def main(
    folder: Annotated[Path, typer.Argument(help="Where the photographs of photographs.csv lie.")],
    out: Annotated[Path, typer.Argument(help="Folder of pictures and weights.")],
    workers: Annotated[int, typer.Option(help="Threads that write pictures.")] = 2,
) -> None:
    """Find the photographs, write the pictures, train; prints where the weights lie."""
    packages = {photograph_path(one).parent for one in PHOTOGRAPHS if one.split == "train"}
    made = pictures(photographs.find(folder, *sorted(packages)), out / "pictures", workers)
    print(train(TrainingData(made, seed=SEED), out / "qualiclip", settings=SETTINGS)["weights"])


if __name__ == "__main__":
    typer.run(main)
