"""A stage runs again when code changes that it imports: ``deps`` hold the closure of its imports."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import benchmark.datasets
import methods
from experiments.runs import stage
from experiments.runs.closure import APART, ASIDE, closure, describes
from experiments.runs.trained import code_files
from experiments.settings import Settings

TOP = Path(__file__).parents[2]
STAGES = yaml.safe_load((TOP / "dvc.yaml").read_text())["stages"]

#: What a stage imports by a name that is only known when it runs.
BY_NAME = {
    "prepare": [f"benchmark.datasets.{name}" for name in ("demo", "folder", "leaves", "pristine")],
    "train": [f"methods.{name}" for name in methods.names()],
    "ablate": ["methods.qualiclip"],
    "reseed": ["methods.qualiclip"],
}


def body(name):
    return STAGES[name].get("do", STAGES[name])


def module(name):
    return body(name)["cmd"].split()[2]


def in_notebooks():
    """Modules that the notebooks import."""
    for path in sorted((TOP / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                yield from imported(ast.parse("".join(cell["source"])))


def imported(tree):
    """Modules of the suite in import statements, submodules of a package among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            path = TOP / Path(*name.split("."))
            if name.split(".")[0] == "benchmark" and (path.is_dir() or path.with_suffix(".py").is_file()):
                yield name


def needed(name):
    by_name = set(in_notebooks()) - set(ASIDE) if name == "report" else BY_NAME.get(name, [])
    return {path.relative_to(TOP) for path in closure(module(name), *by_name)}


def covered(name, path):
    own = ["methods/" + method for method in methods.names()] if name == "train" else []
    given = [Path(dep) for dep in [*body(name).get("deps", []), *own, *(f"{one}.py" for one in own)]]
    return any(path == dep or dep in path.parents for dep in given)


@pytest.mark.parametrize("name", [name for name in STAGES if name != "outside"])
def test_deps_hold_all_that_the_code_imports(name):
    assert not [str(path) for path in sorted(needed(name)) if not covered(name, path)]


@pytest.mark.parametrize("name", [name for name in STAGES if name != "outside"])
def test_deps_name_no_code_that_is_not_imported(name):
    rooms = ("benchmark", "methods", "experiments")
    code = [Path(dep) for dep in body(name)["deps"] if dep.split("/")[0] in rooms]
    code = [path for path in code if path.suffix == ".py" or any((TOP / path).glob("**/*.py"))]
    assert not [str(p) for p in code if not any(p == file or p in file.parents for file in needed(name))]


#: Settings that the code of stages reads and no number follows: where things lie, and what is there of them.
NO_NUMBER = {"prepare", "profile", "threads"}
NARROWS = "experiments/runs/available.py"
#: Stage -> settings that its code reads a part of, as a whole or for other stages.
IN_PART = {
    "train": {"methods", "ablation.method", "train.processes"},  # one method; processes change no bit
    "ablate": {"methods"},
    "reseed": {"methods", "seed"},  # its seed is an argument
    "study": {"methods", "cross_dataset.takes"},  # by a module that `studies` has too
    "variants": {"score", "ablation"},  # batch and engine, variants and seeds
}


def read_by(node):
    """Settings that code reads, as ``section`` or ``section.key``."""
    parts, inner = [], node
    while isinstance(inner, ast.Attribute):
        parts.insert(0, inner.attr)
        inner = inner.value
    parts = [inner.id, *parts] if isinstance(inner, ast.Name) else parts
    for place, section in enumerate(parts[1:], 1):
        if parts[place - 1] == "settings" and section in Settings.model_fields:
            yield ".".join(parts[place : place + 2])
            return
    for child in ast.iter_child_nodes(node):
        yield from read_by(child)


@pytest.mark.parametrize("name", [name for name in STAGES if name not in ("outside", "report")])
def test_params_hold_all_settings_that_the_code_reads(name):
    params = [param for param in body(name)["params"] if isinstance(param, str)]
    ours = [path for path in needed(name) if path.parts[0] == "experiments" and str(path) != NARROWS]
    read = {key for path in ours for key in read_by(ast.parse((TOP / path).read_text()))}
    read = {key for key in read if key.split(".")[0] not in NO_NUMBER}
    lacks = {key for key in read if not any(f"{key}.".startswith(f"{param}.") for param in params)}
    assert lacks <= IN_PART.get(name, set())


LOADED = ("experiments.stages.score", "experiments.stages.evaluate", "experiments.analyses.sweep")
#: Seconds each, and no stage needs them to begin.
SLOW = ("torchvision", "open_clip", "pytorch_grad_cam", "sklearn", "transformers", "matplotlib")
BEGIN = ("prepare", "train", "score", "study", "evaluate", "cross_dataset", "gmad")
#: Has torch once, and says in a fork of its own for each module what of ours that loads; then of one stage
#: after the other which slow libraries are there by then.
LISTING = f"""
import importlib, json, os, sys
import pandas, scipy.stats, torch
for name in {LOADED}:
    if not os.fork():
        importlib.import_module(name)
        rooms = ("benchmark", "methods", "experiments")
        print(json.dumps([name, [m for m in sys.modules if m.split(".")[0] in rooms]]), flush=True)
        os._exit(0)
    os.wait()
for stage in {BEGIN}:
    importlib.import_module(f"experiments.stages.{{stage}}")
    print(json.dumps([stage, [name for name in {SLOW} if name in sys.modules]]))
"""


@pytest.fixture(scope="module")
def loaded_by():
    options = {"cwd": TOP, "stdout": subprocess.PIPE, "text": True, "check": True}
    done = subprocess.run([sys.executable, "-c", LISTING], **options)
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("stage", BEGIN)
def test_a_stage_imports_no_slow_library_before_it_is_used(loaded_by, stage):
    assert loaded_by[stage] == []


@pytest.mark.parametrize("name", LOADED)
def test_the_closure_holds_what_python_loads(name, loaded_by):
    loaded = loaded_by[name]
    apart = {module for _, module in APART}
    apart |= {
        "benchmark.datasets._layout_keys",
        "benchmark.provenance.bibtex",
        "benchmark.files.yamls",
        "benchmark.naming",
        "methods",
        "methods._shared.binding",
        "methods._shared.registry",
        "methods._shared.weights.noted_files",
        "benchmark.method",
    }  # which the catalogue and the settings import
    files = {str(path) for path in closure(name)}
    missing = [
        m
        for m in loaded
        if m not in ASIDE and m not in apart and not describes(m) and not files & paths_of(m)
    ]
    assert len(loaded) > 10
    assert not missing


def paths_of(name):
    path = TOP / Path(*name.split("."))
    return {str(path.with_suffix(".py")), str(path / "__init__.py")}


def test_the_suite_reads_data_sets_where_they_are_defined():
    """The package's own names are looked up when asked for, which no closure could follow."""
    lazy = set(benchmark.datasets.__all__)
    for room in ("benchmark", "methods", "experiments"):
        for path in (TOP / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if path.name == "__init__.py" and path.parent.name == "datasets":
                    continue
                if isinstance(node, ast.ImportFrom) and node.module == "benchmark.datasets":
                    assert not [alias.name for alias in node.names if alias.name in lazy], path
                if isinstance(node, ast.Import) and path.parent.name != "commands":
                    assert "benchmark.datasets" not in [alias.name for alias in node.names], path


@pytest.mark.parametrize("name", methods.names())
def test_no_method_imports_another(name):
    """`train@NAME` runs again when its own file changes, or what methods share; not for another method's."""
    rooms = [path.relative_to(TOP).parts for path in closure(f"methods.{name}")]
    inside = {file for room, file, *_ in rooms if room == "methods"}
    assert inside <= {name, f"{name}.py", "_shared", "__init__.py"}


def test_a_methods_version_follows_what_it_imports(tmp_path):
    niqe, qualiclip, small = map(set, map(code_files, ("niqe", "qualiclip", "qualiclip_small")))
    assert TOP / "benchmark/images/tiff.py" in niqe & qualiclip
    assert TOP / "methods/_shared/pristine/nss.py" in niqe - qualiclip
    assert TOP / "benchmark/degradations/levels.py" in qualiclip - niqe - small
    assert TOP / "methods/qualiclip_small/weights.safetensors" in small
    assert not any(path.suffix in (".md", ".pyc") for path in small)


def test_journals_follow_the_code_of_their_stage():
    score = {path.relative_to(TOP).as_posix() for path in closure("experiments.stages.score")}
    assert {
        "benchmark/images/tiff.py",
        "benchmark/scoring/__init__.py",
        "experiments/scoring/local.py",
        "experiments/scoring/runner.py",
    } < score
    sweep = {path.relative_to(TOP).as_posix() for path in closure("experiments.analyses.sweep")}
    assert {
        "benchmark/study.py",
        "benchmark/degradations/engine.py",
        "benchmark/datasets/dead_leaves.py",
    } < sweep


def test_files_that_settings_name(tmp_path):
    file = tmp_path / "weights.pt"
    file.touch()
    settings = {"a": [{"b": str(file)}, 3], "c": "official", "d": None, "e": str(tmp_path)}
    assert list(stage.named_files(settings)) == [file]
