"""The documented recipe: one file and one entry of params.yaml, and only the new method's own cells run."""

import contextlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo
from pydantic import BaseModel
from typer.testing import CliRunner

import methods
from benchmark.method import TrainingData
from benchmark.scoring.conformance import assert_conforms
from experiments.cli import app
from experiments.commands.new_method import write
from experiments.stages.outside import outside

ROOT = Path(__file__).resolve().parents[2]
run = CliRunner()


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_starting_point_is_short_and_keeps_every_promise(tmp_path):
    path = write("my_contrast", tmp_path)
    assert len(path.read_text().splitlines()) <= 30
    module = imported(path)
    assert_conforms(module.load(), module.CARD)
    assert module.load().name == "my_contrast"


def test_arguments_of_the_class_are_settings():
    class Mine:
        def __init__(self, scale: float = 2.0):
            self.scale = scale

    assert methods.bind("mine", Mine, {"scale": 3.0}) == {"scale": 3.0}
    with pytest.raises(ValueError, match=r"mine\.scal: unknown setting; did you mean 'scale'"):
        methods.bind("mine", Mine, {"scal": 3.0})
    with pytest.raises(ValueError, match=r"mine\.scale: Input should be a valid number"):
        methods.bind("mine", Mine, {"scale": "high"})


def test_many_settings_are_one_argument_whatever_its_name():
    class Course(BaseModel):
        steps: int = 10

    def learn(data: TrainingData, out: Path, *, course: Course) -> Course:
        return course

    def short(data: TrainingData, out: Path, *, steps: int = 10) -> int:
        return steps

    assert methods.bind("mine", learn, {"steps": 3}, given=2) == {"course": Course(steps=3)}
    assert methods.bind("mine", learn, {}, given=2) == {"course": Course()}
    assert methods.bind("mine", short, {"steps": 3}, given=2) == {"steps": 3}
    with pytest.raises(ValueError, match=r"mine\.steps: Input should be a valid integer"):
        methods.bind("mine", learn, {"steps": "many"}, given=2)


def test_the_starting_point_passes_the_style_checks(tmp_path):
    path = write("my_contrast", tmp_path)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [*ruff, *command, "--config", ROOT / "pyproject.toml", path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("niqe", "already"),
        ("Mine", "small letters"),
        ("my-method", "small letters"),
        ("2fast", "small letters"),
        ("class", "a word of Python or"),
        ("_shared", "a word of Python or"),
        ("../x", "small letters"),
        ("no", "YAML takes the word"),
        ("null", "YAML takes the word"),
        ("con", "Windows takes it for a device"),
    ],
)
def test_names_that_cannot_serve_are_refused(tmp_path, name, says):
    with pytest.raises(ValueError, match=says):
        write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_overwritten_and_the_folder_must_be_there(tmp_path):
    write("mine", tmp_path)
    with pytest.raises(ValueError, match="already"):
        write("mine", tmp_path)
    with pytest.raises(ValueError, match="top of the repository"):
        write("mine", tmp_path / "absent")


def test_the_command_says_what_to_add(tmp_path, monkeypatch):
    (tmp_path / "methods").mkdir()
    monkeypatch.chdir(tmp_path)
    done = run.invoke(app, ["new-method", "mine"])
    assert done.exit_code == 0
    assert yaml.safe_load(done.stdout) == {"methods": {"mine": {"code": "methods/mine.py"}}}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The pipeline as committed, in a repository of its own whose every cell is up to date."""
    top = tmp_path_factory.mktemp("pipeline")
    for name in ("benchmark", "methods", "experiments", "notebooks"):
        shutil.copytree(ROOT / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, top)
    with contextlib.chdir(top), Repo.init(no_scm=True) as repo:
        outside()
        for stage in (stage for stage in repo.index.stages if stage.addressing != "outside"):
            for out in stage.outs:
                path = Path(out.fs_path)
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.suffix:
                    path.mkdir()
                    path /= "content"
                path.write_text(str(out))
        repo.commit(force=True)
    return top


@pytest.fixture
def copy(pipeline, monkeypatch):
    """The folder of that pipeline; what a test changes of settings and code is put back."""
    monkeypatch.chdir(pipeline)

    def written():
        folders = (Path(name) for name in ("methods", "benchmark/records", ".outside"))
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in [Path("params.yaml"), *files]}

    before = written()
    yield
    for path, content in written().items():
        if path not in before:
            path.unlink()
        elif content != before[path]:
            path.write_bytes(before[path])


def may_run():
    """Names of the cells that changed, and of all that depend on them: what `dvc repro` would go through."""
    with Repo() as repo:
        graph = repo.index.graph  # its arrows point from a stage to what it depends on
        changed = set(repo.status()) - {"outside"}  # which always runs
        return {
            stage.addressing
            for stage in graph
            if stage.addressing in changed
            or any(other.addressing in changed for other in nx.descendants(graph, stage))
        }


def changed(**sections):
    """Change the settings, a function of each section."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    for name, change in sections.items():
        change(params[name])
    Path("params.yaml").write_text(yaml.safe_dump(params))


#: Stages that put together what all methods have left.
JOINS = {"evaluate", "cross_dataset", "studies", "gmad", "pictures", "report"}


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # dvc's own use of pygtrie
def test_a_new_method_runs_its_own_cells_and_those_that_compare(copy):
    assert may_run() == set()
    path = write("mine", Path("methods"))
    changed(methods=lambda methods: methods.update(mine={"code": str(path)}))
    assert may_run() == {"train@mine", "score@mine", "study@mine"} | JOINS


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_a_changed_method_runs_its_own_cells_and_those_that_compare(copy):
    with Path("methods/sharpness.py").open("a") as file:
        file.write("# another word\n")
    assert may_run() == {"train@sharpness", "score@sharpness", "study@sharpness"} | JOINS


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_a_method_less_runs_no_method(copy):
    changed(methods=lambda methods: methods.pop("sharpness"))
    assert may_run() == JOINS


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_a_new_data_set_prepares_and_trains_nothing_again(copy):
    changed(prepare=lambda prepare: prepare["datasets"].update(mine={"kind": "folder", "source": "x"}))
    outside()
    cells = {f"{stage}@{name}" for stage in ("score", "study") for name in DEFAULT}
    assert may_run() == {"prepare@mine"} | cells | JOINS | {"ablation"}
    (ROOT / "experiments/datasets").is_dir()
    Path("benchmark/records/new.yaml").write_text("title: New\n")
    changed(prepare=lambda prepare: prepare["datasets"].pop("mine"))
    assert not {name for name in may_run() if name.startswith("prepare@")}


DEFAULT = ("qualiclip", "clipiqa", "niqe", "sharpness", "qualiclip_small")
