"""What the tests of commands around data sets type."""

from typer.testing import CliRunner

from experiments.cli import app
from tests.datasets.releases import lines


def iqa(*words, **settings):
    return CliRunner().invoke(app, list(map(str, words)), **settings)


def scores(here, names, head="file;DMOS;std", rows="{};{};2.5"):
    lines(here / "scores.csv", [head, *(rows.format(name, 10 + i) for i, name in enumerate(names))])
    return here / "scores.csv"


SCALE = ("--low", 0, "--high", 100)


def add(here, *extra, **settings):
    names = [f"p{index}.png" for index in range(11)] + ["p11.jpg"]
    told = ("--images", here / "lab", "--scores", scores(here, names), "--low", 0, "--lower-is-better")
    return iqa("datasets", "add", "lab", *told, *extra, **({"input": "100\ny\n"} | settings))


def own(here, title, *tables, more=("--yes",), **settings):
    """Add the user's own data set of some tables, of a scale from 1 to 5."""
    told = [word for table in tables for word in ("--scores", table)]
    scale = ("--low", 1, "--high", 5, "--higher-is-better")
    return iqa("datasets", "add", title, "--images", here / "lab", *told, *scale, *more, **settings)
