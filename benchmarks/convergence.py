"""How many pristine pictures a fit needs: parameters and ranking against the number of pictures fitted to.

    python benchmarks/convergence.py niqe --pristine bsds500 --rated agiqa3k/images --scores agiqa3k/data.csv

Each picture is described once. For each number the model is fitted to several seeded draws of so many
pictures, and scores every rated picture. ``away`` is the distance of the draw's mean from that of all
pictures, in deviations of the pristine rows (root of the mean square over the numbers); ``covariance`` the
relative difference of the covariances (Frobenius); ``same order`` the SRCC between the scores of a draw and
those of all pictures; ``people`` the SRCC with the opinions. Means over the draws, and for ``people`` the
range.
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from scipy.stats import spearmanr

import methods
from benchmark.images import below, read
from methods import ilniqe, niqe
from methods._shared.pristine import gaussian, nss, ou


class OfNiqe:
    def pristine(self, path):
        return niqe.sharp_rows(path, niqe.PATCH, 0.75)

    def rated(self, image):
        return nss.moments(niqe.patch_features(image, niqe.PATCH)[0])

    def scorer(self, found):
        return lambda fit: float(nss.distance(found.mean, found.covariance, *fit))


class OfIlniqe:
    def pristine(self, path):
        return ilniqe.sharp_rows(path, 0.78)

    def rated(self, image):
        return ilniqe.block_rows(image)

    def scorer(self, found):
        model = ilniqe.Ilniqe(ilniqe._principal(found, 0.92))
        return lambda rows: float(model._distance(rows))


class OfFeatures:
    """The opinion-unaware form of any method with features."""

    def __init__(self, name):
        self.encoder = methods.load(name)

    def pristine(self, path):
        patches = ou.pristine_patches(read(path), ou.Settings())
        return ou.encode(self.encoder, patches, 64)

    def rated(self, image):
        return ou.encode(self.encoder, ou.cut(image, 96, 48), 64)

    def scorer(self, found):
        model = ou.OpinionUnaware(self.encoder, found.mean, found.covariance)
        return lambda rows: float(model._distance(rows))


def main(
    method: Annotated[str, typer.Argument(help="niqe, ilniqe, or a method whose features are fitted.")],
    pristine: Annotated[Path, typer.Option(help="Folder of undistorted pictures.")],
    rated: Annotated[Path, typer.Option(help="Folder of rated pictures.")],
    scores: Annotated[Path, typer.Option(help="CSV with a column `name` and one of opinions.")],
    column: Annotated[str, typer.Option(help="The column of opinions.")] = "mos_quality",
    every: Annotated[int, typer.Option(help="Take every so many of the rated pictures.")] = 1,
    draws: Annotated[int, typer.Option(help="Draws of each number.")] = 5,
) -> None:
    torch.set_num_threads(1)
    of = {"niqe": OfNiqe, "ilniqe": OfIlniqe}.get(method, lambda: OfFeatures(method))()
    table = pd.read_csv(scores, keep_default_na=False).iloc[::every]
    judged = [of.rated(read(rated / name)) for name in table["name"]]
    rows = {path: of.pristine(path) for path in below(pristine)}
    whole, order = fitted(of, rows, judged)
    print(f"{len(rows)} pristine pictures, {whole.rows} rows, {len(judged)} rated pictures")
    print("count   rows    away  covariance  same order  people")
    people = -spearmanr(order, table[column]).statistic
    print(f"{len(rows):5} {whole.rows:6} {0:7.3f} {0:11.3f} {1:11.4f}  {people:.4f}")
    deviations = whole.covariance.diagonal().sqrt().clamp(min=1e-12)
    for count in (400, 300, 200, 100, 50, 25, 10):
        if count >= len(rows):
            continue
        said = []
        for seed in range(draws):
            paths = gaussian.drawn(list(rows), count, seed)
            try:
                found, values = fitted(of, {path: rows[path] for path in paths}, judged)
            except ValueError as error:
                print(f"{count}: {error}", file=sys.stderr)
                continue
            away = ((found.mean - whole.mean) / deviations).square().mean().sqrt()
            spread = (found.covariance - whole.covariance).norm() / whole.covariance.norm()
            same = spearmanr(values, order).statistic
            said.append(
                (found.rows, float(away), float(spread), same, -spearmanr(values, table[column]).statistic)
            )
        if said:
            mean, least, most = np.mean(said, 0), np.min(said, 0)[4], np.max(said, 0)[4]
            print(
                f"{count:5} {mean[0]:6.0f} {mean[1]:7.3f} {mean[2]:11.3f} {mean[3]:11.4f}  {mean[4]:.4f} "
                f"({least:.4f} to {most:.4f})",
                flush=True,
            )


def fitted(of, rows, judged):
    """The Gaussian of some pictures' rows, and the scores that it gives."""
    sums = gaussian.Sums()
    for each in rows.values():
        sums.add(each)
    found = sums.gaussian()
    score = of.scorer(found)
    return found, [score(one) for one in judged]


if __name__ == "__main__":
    typer.run(main)
