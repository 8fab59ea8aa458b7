"""Two runs side by side: changes made on purpose are found, and nothing else is."""

import filecmp
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup
from dvc.repo import Repo

from benchmark import datasets
from benchmark.reporting.compared import changes, compared
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from experiments.pages import comparison
from experiments.runs import stage
from experiments.runs.training import train_into
from experiments.settings import MethodSettings
from experiments.stages.evaluate import evaluate
from experiments.stages.gmad import gmad
from experiments.stages.score import score
from experiments.stages.studies import studies
from experiments.stages.study import study
from tests.rehearsal import small
from tests.reporting.conftest import roots

TABLE = "results/tables/zero_shot.csv"


@pytest.fixture
def other(tree: Path, tmp_path: Path) -> Path:
    """Return a copy of the results and settings, to change."""
    shutil.copytree(tree / "results" / "tables", tmp_path / "run" / "results" / "tables")
    shutil.copy(tree / "params.yaml", tmp_path / "run")
    return tmp_path / "run"


def change(folder: Path, place: int, **values: float | str) -> pd.Series:
    frame = pd.read_csv(folder / TABLE)
    before = frame.loc[place].copy()
    for name, value in values.items():
        frame.loc[place, name] = value
    frame.to_csv(folder / TABLE, index=False)
    return before


def source(frame: pd.DataFrame) -> Source:
    return Source(TABLE, "evaluate", frame.to_csv(index=False).encode())


def tidy(**columns: list[object]) -> Source:
    fixed = {"n": 90, "protocol": "p", "published": "", "standing": ""}
    return source(pd.DataFrame({"method": list("abcdef"), "statistic": "srcc", **(fixed | columns)}))


def test_a_cell_is_beyond_only_where_neither_value_lies_in_the_other_interval() -> None:
    before = tidy(value=[0.5] * 6, low=[0.4] * 5 + [""], high=[0.6] * 5 + [""])
    after = tidy(
        value=[0.5, 0.55, 0.7, 0.7, "", 0.6],
        low=[0.4, 0.5, 0.45, 0.65, "", 0.5],
        high=[0.6, 0.6, 0.8, 0.75, "", 0.7],
    )
    found = changes(after, before)
    assert found is not None
    expected = ["same", "within", "within", "beyond", "no interval", "no interval"]
    assert found.set_index("method").loc[list("abcdef"), "state"].tolist() == expected


def test_what_rests_on_too_few_is_shown_and_not_judged() -> None:
    """Fewer than ten references on either side, however many pictures; or nobody knows how many."""
    before = tidy(value=[0.5] * 6, low=[0.4] * 6, high=[0.6] * 6, units=[10, 9, 10, 10, 9, ""])
    after = tidy(
        value=[0.9, 0.9, 0.9, 0.55, 0.5, 0.9],
        low=[0.8] * 4 + [0.4, 0.8],
        high=[0.95] * 4 + [0.6, 0.95],
        units=[10, 10, 9, 9, 9, ""],
        n=[90] * 5 + [""],
    )
    found = changes(after, before)
    assert found is not None
    expected = ["beyond", "too few", "too few", "too few", "same", "too few"]
    assert found["state"].tolist() == expected


def test_rows_of_one_run_only_are_told_and_unlike_tables_are_not_compared() -> None:
    whole = tidy(value=[0.5] * 6, low=[0.4] * 6, high=[0.6] * 6)
    fewer = source(whole.frame[whole.frame["method"] != "a"])
    for here, there, state in ((whole, fewer, "only here"), (fewer, whole, "only there")):
        found = changes(here, there)
        assert found is not None
        assert found["state"].value_counts().to_dict() == {"same": 5, state: 1}
    assert changes(source(pd.concat([whole.frame, whole.frame])), whole) is None
    assert changes(source(pd.DataFrame({"method": ["a"], "wins": [1]})), whole) is None
    assert changes(Source(TABLE, "evaluate", None), whole) is None


def test_the_page_names_what_was_changed_and_nothing_else(run: Run, tree: Path, other: Path) -> None:
    moved = change(other, 0, value=-0.9, low=-0.95, high=-0.85)
    change(other, 1, value=float(pd.read_csv(other / TABLE).loc[1, "low"]))
    params = yaml.safe_load((other / "params.yaml").read_text())
    params["seed"] = 28
    (other / "params.yaml").write_text(yaml.safe_dump(params))
    (other / "results/tables/gmad.csv").unlink()
    there = Run(*(str(other / name) for name in ("results", "data", "models", "params.yaml")))
    page = BeautifulSoup(compared(run, there, "the other"), "html.parser")
    settings, files, beyond = page.find_all("table")
    assert "No cell that differs is of too few" in page.text
    assert [[c.text for c in r.find_all(["th", "td"])] for r in settings.tbody.find_all("tr")] == [
        ["seed", "28", "27"]
    ]
    rows = {r.th.text: [c.text for c in r.find_all("td")] for r in files.tbody.find_all("tr")}
    cells = len(pd.read_csv(tree / TABLE))
    assert rows["zero_shot"] == ["differ", str(cells - 2), "1", "1", "0", "0", "0", "0"]
    assert rows["gmad"] == ["only here", *["–"] * 7]
    assert {row[0] for name, row in rows.items() if name not in ("zero_shot", "gmad")} == {"equal"}
    (line,) = beyond.tbody.find_all("tr")
    assert run.labels.method(str(moved["method"])) in line.text
    assert "−0.900" in line.text
    assert f"{moved['value']:.3f}" in line.text


@pytest.mark.parametrize("dataset", ["demo", "people"])
def test_a_cell_of_a_set_that_no_human_rated_is_said_to_be_one(run: Run, other: Path, dataset: str) -> None:
    place = int(pd.read_csv(other / TABLE)["dataset"].eq(dataset).idxmax())
    change(other, place, value=-0.9, low=-0.95, high=-0.85)
    there = Run(*(str(other / name) for name in ("results", "data", "models", "params.yaml")))
    said = "full-reference proxy, no human rated these." in str(compared(run, there, "the other"))
    assert said == (dataset == "demo")


def test_equal_runs_have_no_difference(run: Run) -> None:
    shown = compared(run, run, "itself")
    assert "Every setting has the same value" in shown
    assert "No cell that both runs have moved" in shown


def test_a_page_is_written_from_a_folder(
    tree: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(other, 0, value=-0.9, low=-0.95, high=-0.85)
    folder = comparison.fetch(str(other), tmp_path / "unused")
    monkeypatch.setattr(
        comparison, "Run", lambda *where, **said: Run(*where) if where else Run(**roots(tree))
    )
    page = BeautifulSoup(comparison.write(str(other), folder, tmp_path).read_text(), "html.parser")
    assert page.h1.text == "Comparison"
    assert page.find("a", attrs={"aria-current": "page"})["href"] == "comparison.html"
    assert "−0.900" in page.text


def test_a_revision_is_read_from_the_cache(
    other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(other)
    before = (other / TABLE).read_bytes()
    committed()
    (other / "params.yaml").write_text("seed: 1\n")
    shutil.rmtree(other / "results")
    folder = comparison.fetch("HEAD", tmp_path / "there")
    assert (folder / TABLE).read_bytes() == before
    assert (folder / "params.yaml").read_text() != "seed: 1\n"
    shutil.rmtree(other / ".dvc" / "cache")
    with pytest.raises(ValueError, match=r"not in the cache.*dvc fetch") as caught:
        comparison.fetch("HEAD", tmp_path / "again")
    revision = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    count = len(list((folder / "results/tables").glob("*.csv")))
    assert f"{count} of the {count} tables that dvc.lock of {revision[:9]} records" in str(caught.value)
    assert f"git checkout {revision[:9]} && dvc repro" in str(caught.value)
    with pytest.raises(ValueError, match="neither a folder nor a revision"):
        comparison.fetch("nowhere", tmp_path / "again")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a small run of two methods, made by the pipeline's own stages and committed with DVC."""
    top = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        params = yaml.safe_load(small.settings())
        untrained = {"code": "methods/clipiqa.py", "load": {"architecture": "small", "pretrained": None}}
        rows = {"sharpness": {"code": "methods/sharpness.py"}, "untrained": untrained}
        params |= {"methods": rows}
        own = {"size": 64, "count": 6, "levels": [4]}
        params["prepare"] = {"datasets": {"leaves": own}}
        params["train"] |= {"dataset": "leaves", "rated": "leaves"}
        params["sweep"] |= {"images": 1, "kinds": ["gaublur"]}
        params["cost"] = {"width": 64, "height": 64}
        params["cross_dataset"] = {"methods": [], "datasets": ["leaves"]}
        params["robustness"] |= {"features": []}
        params["ablation"] |= {"method": "sharpness"}
        params["gradcam"] |= {"methods": ["untrained"]}
        Path("params.yaml").write_text(yaml.safe_dump(params))
        datasets.prepare("leaves", "data", **own)
        for name, own in rows.items():
            train_into(stage.MODELS / name, name, MethodSettings.model_validate(own), [], seed=27)
            score(name)
            study(name)
        for stage_of in (evaluate, studies, gmad):
            stage_of()
        committed()
        yield top


def committed() -> None:
    """Commit the settings and, with DVC, the results in this folder."""
    subprocess.run(["git", "init", "-q"], check=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DVC's own
        with Repo.init() as repo:
            repo.add("results")
    who = "-c user.name=a -c user.email=a@b.invalid"
    for command in ("add params.yaml results.dvc .gitignore .dvc", f"{who} commit -qm run"):
        subprocess.run(["git", *command.split()], check=True)


def test_a_run_of_the_stages_is_compared_with_its_revision(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More resamples move bounds, and nothing else."""
    monkeypatch.chdir(made)
    published = made / "results/tables/published.csv"
    assert pd.read_csv(published).empty  # of data sets that no paper knows
    params = yaml.safe_load((made / "params.yaml").read_text())
    params["evaluate"]["resamples"] = 150
    (made / "params.yaml").write_text(yaml.safe_dump(params))
    evaluate()
    folder = comparison.fetch("HEAD", tmp_path / "there")
    assert not filecmp.cmp(made / TABLE, folder / TABLE, shallow=False)
    there = Run(str(folder / "results"), str(folder / "data"), "models", str(folder / "params.yaml"))
    page = BeautifulSoup(compared(Run(), there, "HEAD"), "html.parser")
    settings, files, *few = page.find_all("table")
    assert len(few) == 1
    assert "Shown and not judged" in page.text
    assert [c.text for c in settings.tbody.tr.find_all(["th", "td"])] == ["evaluate.resamples", "100", "150"]
    rows = {r.th.text: [c.text for c in r.find_all("td")] for r in files.tbody.find_all("tr")}
    assert set(rows) == {path.stem for path in (made / "results/tables").glob("*.csv")}
    for name, (state, *counts) in rows.items():
        table = pd.read_csv(made / f"results/tables/{name}.csv")
        if "low" not in table:
            assert counts == ["–"] * 7
            continue
        same, within, beyond, unsure, *others = map(int, counts)
        assert (same + within + unsure, beyond, others) == (len(table), 0, [0] * 3)
        assert state == "differ" or not within
    assert int(rows["zero_shot"][4]) > 0  # six references
    assert {rows[name][0] for name in ("published", "sweep", "cost", "gmad", "wins")} == {"equal"}


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no results/tables"):
        comparison.fetch(str(tmp_path), tmp_path)
