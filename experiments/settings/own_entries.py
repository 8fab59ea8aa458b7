"""What in ``params.yaml`` was written by hand: how it differs from what its profile and ablation compose.

``python -m experiments.settings.own_entries`` ends with an error where composing the settings anew would
lose something.
"""

from __future__ import annotations

import copy
import io
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmark import files
from experiments import process
from experiments import settings as settings_of
from experiments.settings.ablations import MISSING, Place, ablation_of, get, leaves, put
from experiments.settings.compose import composed

LOCAL = Path("experiments/local.yaml")

NULL = "tag:yaml.org,2002:null"

Tree = dict[str, Any]


def by_hand(path: Path = settings_of.PARAMS) -> dict[Place, Any]:
    """Settings that differ from the composition of their profile and ablation; `MISSING` where one is gone.

    Raises
    ------
    ValueError
        If the settings are at fault.
    """
    settings = settings_of.load(path)
    mine = files.read_yaml(path.read_text())
    ablations = ablation_of(settings)
    chosen = [f"ablation={ablations[0]}"] if len(ablations) == 1 else []
    return differences(mine, files.read_yaml(composed(f"profile={settings.profile}", *chosen)))


def differences(mine: Tree, stated: Tree) -> dict[Place, Any]:
    """Places at which two trees differ, with what the first has there; a branch that is new is one place."""
    changed = {}
    for place, value in leaves(mine):
        if get(stated, place) != value or get(stated, place) is MISSING:
            changed[_top(place, stated)] = get(mine, _top(place, stated))
    for place, _ in leaves(stated):
        if get(mine, place) is MISSING:
            changed[_top(place, mine)] = MISSING
    return changed


def _top(place: Place, tree: Tree) -> Place:
    """The shortest beginning of a place that a tree has not; the place itself where it has all of it."""
    for length in range(1, len(place)):
        if get(tree, place[:length]) is MISSING:
            return place[:length]
    return place


def safe(path: Path = settings_of.PARAMS) -> bool:
    """Whether the very file is that of an experiment, which `dvc exp apply` brings back."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    mine = git("hash-object", str(path))
    experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").split()
    return bool(mine) and any(git("rev-parse", f"{one}:{path}") == mine for one in experiments)


def check(path: Path = settings_of.PARAMS) -> None:
    """Refuse where composing the settings anew would lose what was written by hand.

    Raises
    ------
    ValueError
        With what that is, and how it is kept; or with what is at fault in it.
    """
    if not path.is_file():
        return
    try:
        entries = by_hand(path)
    except ValueError as error:
        cure = "mend it, or `iqa params --profile demo --drop` brings back that of a profile"
        raise ValueError(f"{error}\n{cure}") from error
    if entries and not safe(path):
        raise ValueError(
            f"{path} would be composed anew, and lose what was written into it by hand: {names(entries)}. "
            f"`iqa params --keep` moves it into {LOCAL}, where every profile and ablation takes it in; "
            "`iqa params --drop` forgets it"
        )


def names(places: Iterable[Place]) -> str:
    """Settings by their names."""
    return ", ".join(".".join(place) for place in places)


def keep(found: Mapping[Place, Any], path: Path = LOCAL) -> None:
    """Write settings into the file of one's own, whose comments and order stay.

    Raises
    ------
    ValueError
        If a setting was taken out of the file: a composition has no word for that.
    """
    if gone := [place for place, value in found.items() if value is MISSING]:
        raise ValueError(
            f"{names(gone)}: was taken out by hand, which {path} cannot say; narrow a list, such as "
            "`score.datasets` or `cross_dataset.without`, or write a profile of your own"
        )
    add(path, found)


def add(path: Path, found: Mapping[Place, Any]) -> None:
    """Put settings into a YAML file, whose comments and order stay."""
    text, before = YAML(), path.read_text() if path.is_file() else ""
    text.width, text.preserve_quotes = 120, True
    text.representer.add_representer(type(None), lambda own, _: own.represent_scalar(NULL, "null"))
    tree = text.load(before)
    comments = before if tree is None else ""  # a file of comments alone holds no tree to keep them in
    tree = {} if tree is None else tree
    for place, value in found.items():
        put(tree, place, copy.deepcopy(value))
    stream = io.StringIO()
    text.dump(tree, stream)
    files.write_text(path, comments + stream.getvalue())


def stands(place: Place, path: Path) -> bool:
    """Whether a file has an entry at a place, or lists its name."""
    tree = files.read_yaml(path.read_text()) if path.is_file() else None
    listed = get(tree, place[:-1])
    return place[-1] in listed if isinstance(listed, list) else get(tree, place) is not MISSING


def use(place: Place, value: Mapping[str, Any]) -> list[Path]:
    """Declare a method or data set in the file of one's own and in the settings in effect.

    An entry of its name that stands there already is left as it is, with its settings.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ValueError
        If the settings would be at fault with it; neither file is touched then.
    """
    found: dict[Path, dict[Place, Any]] = {}
    if not stands(place, LOCAL):
        found[LOCAL] = {place: dict(value)}
    if settings_of.PARAMS.is_file() and not stands(place, settings_of.PARAMS):
        raw = files.read_yaml(settings_of.PARAMS.read_text())
        listed = get(raw, place[:-1])
        is_list = isinstance(listed, list)
        found[settings_of.PARAMS] = {place[:-1]: [*listed, place[-1]]} if is_list else {place: dict(value)}
        for where, what in found[settings_of.PARAMS].items():
            put(raw, where, what)
        settings_of.parse(raw)
    for path, change in found.items():
        add(path, change)
    return list(found)


if __name__ == "__main__":
    process.run(check)
