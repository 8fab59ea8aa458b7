"""Settings that are paths may be given as paths, whatever the method."""

import inspect
from pathlib import Path
from typing import get_type_hints

import pytest

import methods

#: Settings of `load` that name a file or folder.
FILES = ("weights", "pristine", "parameters", "regressor", "encoder", "pretrained")


def named():
    for name in methods.names():
        load = methods.find(name).load
        for setting in inspect.signature(load).parameters:
            if setting in FILES and "str" in str(get_type_hints(load).get(setting)):
                yield name, setting


@pytest.mark.parametrize(("name", "setting"), list(named()))
def test_a_path_is_as_good_as_its_text(name, setting):
    load = methods.find(name).load
    as_path = methods.bind(name, load, {setting: Path("a/file.pt")}, partial=True)
    assert str(as_path[setting]) == "a/file.pt"
    assert as_path == methods.bind(name, load, {setting: "a/file.pt"}, partial=True)


def test_some_are_found():
    assert {name for name, _ in named()} >= {"qualiclip", "clipiqa", "niqe", "arniqa"}


def test_qualiclip_loads_from_a_path():
    assert methods.load("qualiclip", weights=methods.find("qualiclip_small").WEIGHTS).name == "qualiclip"
