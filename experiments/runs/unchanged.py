"""Prepared data sets for what is asked beside the pipeline, which would prepare a changed one again first."""

from __future__ import annotations

from benchmark.datasets import making
from benchmark.datasets.prepared import Dataset
from experiments import settings as settings_of
from experiments.runs import results, stage


def asked() -> settings_of.Prepare:
    """Return what ``params.yaml`` says of data sets; nothing where there is none."""
    return settings_of.load().prepare if settings_of.PARAMS.is_file() else settings_of.Prepare(datasets={})


def dataset(name: str) -> Dataset:
    """Return a prepared data set; its pictures need not be there.

    Raises
    ------
    ValueError
        If it is not prepared, or what it was prepared from has changed since.
    """
    data = results.dataset(name)
    making.check_current(name, stage.DATA, asked().datasets.get(name))
    return data


def known(name: str) -> tuple[Dataset | None, str]:
    """Return a data set if it is prepared and unchanged since; else why what it would settle is not known."""
    if not results.is_prepared(name):
        return None, ""
    try:
        return dataset(name), ""
    except ValueError as error:
        return None, str(error)


def pictured(name: str) -> Dataset:
    """Return a prepared data set whose pictures are there, and are those that were prepared.

    Raises
    ------
    ValueError
        As `dataset`, or if a picture is missing or another file.
    """
    dataset(name)
    return results.pictured(name, asked())
