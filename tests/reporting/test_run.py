import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmark import figures, tables
from benchmark.reporting import unscored, views
from benchmark.reporting.findings import findings
from benchmark.reporting.run import Run
from benchmark.tables import PROXY
from experiments.pages.notebooks import report
from tests.made import trained
from tests.reporting.conftest import roots


@pytest.fixture
def copy(tree: Path, tmp_path: Path) -> Path:
    """Return a copy of the results to spoil; pictures stay where they are."""
    shutil.copytree(tree, tmp_path / "run", symlinks=True, ignore=shutil.ignore_patterns("images"))
    return tmp_path / "run"


def test_a_method_is_called_what_its_card_says(run: Run) -> None:
    assert run.labels.methods["clipiqa"] == "Untrained backbone"
    assert run.labels.proxies == {"demo"}
    assert list(run.labels.methods) == ["qualiclip", "clipiqa", "niqe", "sharpness"]


def test_a_notebook_that_starts_in_its_own_folder_finds_the_run_above(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "results/tables/zero_shot.csv"
    (copy / "notebooks").mkdir()
    seen = []
    for folder in (copy, copy / "notebooks"):
        monkeypatch.chdir(folder)
        here = Run()
        seen.append((here.source(name).content, [*here.methods], [*here.records], dict(here.settings)))
    assert seen[0][0] == (copy / name).read_bytes()
    assert seen[1] == seen[0]
    monkeypatch.chdir(copy / "notebooks")
    (copy / "notebooks/params.yaml").write_text("")  # a run of its own
    assert Run().source(name).content is None


def test_every_file_is_listed_with_its_hash(run: Run, tree: Path) -> None:
    listed = run.digests().set_index("file")["sha256"]
    for file in ("results/tables/zero_shot.csv", "data/demo/manifest.csv", "models/niqe/method.json"):
        assert listed[file] == hashlib.sha256((tree / file).read_bytes()).hexdigest()
    made = {str(path.relative_to(tree)) for path in (tree / "results").rglob("*.csv")}
    assert made <= set(listed.index)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("results/tables/gmad.csv", "dvc repro gmad"),
        ("data/people/record.json", "dvc repro prepare@people"),
        ("models/niqe/method.json", "dvc repro train@niqe"),
    ],
)
def test_a_missing_file_is_noted_with_the_command_that_makes_it(copy: Path, name: str, command: str) -> None:
    (copy / name).unlink()
    shown = unscored.missing(Run(**roots(copy)))
    assert shown.count('class="missing"') == 1
    assert f"<code>{name}</code>" in shown
    assert f"<code>{command}</code>" in shown


def test_a_cell_without_scores_says_why_and_what_fills_it(copy: Path) -> None:
    scores = copy / "results/scores/niqe/demo.csv"
    frame = pd.read_csv(scores)
    frame.loc[:2, "score"] = np.nan
    frame["error"] = frame["error"].astype(object)
    frame.loc[:1, "error"] = "cannot be decoded"
    frame.loc[2, "error"] = "too small"
    frame.to_csv(scores, index=False)
    (copy / "results/scores/sharpness/demo.csv").unlink()
    (copy / "results/scores/qualiclip/people.csv").unlink()
    (copy / "models/qualiclip/method.json").unlink()
    found = unscored.cells(Run(**roots(copy))).set_index(["Method", "Data set"])
    assert list(found.index) == [
        ("qualiclip", "KonIQ-10k"),
        ("NIQE", "Demo (proxy)"),
        ("Sharpness", "Demo (proxy)"),
    ]
    assert found["Without a score"].tolist() == ["all", f"3 of {len(frame)}", "all"]
    said = found["Why"].tolist()
    assert said == ["the method is not there", "cannot be decoded; 1 for other reasons", "not scored"]
    cures = found["To fill it"].tolist()
    assert cures[0] == "dvc repro train@qualiclip"
    assert "results/scores/niqe/demo.csv" in cures[1]
    assert cures[2] == "dvc repro score@sharpness"
    assert "1 file, 3 cells" in unscored.summary(Run(**roots(copy)))


def test_a_whole_run_lacks_nothing(run: Run) -> None:
    assert "Nothing is missing" in unscored.missing(run)
    assert "nothing" in unscored.summary(run)
    assert "2, 1 rated by people" in unscored.summary(run)
    assert unscored.show(run) == ""


def test_a_table_stands_without_its_tests_and_says_so(copy: Path) -> None:
    (copy / "results/tables/differences.csv").unlink()
    run = Run(**roots(copy))
    sources = [run.source(f"results/tables/{name}.csv") for name in ("zero_shot", "differences")]
    shown = run.table(tables.comparison, *sources)
    assert shown.count("<table") == 2
    assert "dvc repro evaluate" in shown
    assert "underlined" not in shown
    assert "whether others are level with it was not tested" in shown


def test_a_table_without_rows_is_noted(copy: Path) -> None:
    path = copy / "results/tables/by_distortion.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    run = Run(**roots(copy))
    source = run.source("results/tables/by_distortion.csv")
    assert "has no rows" in run.table(tables.distortions, source)
    options = {"rows": "distortion", "columns": "method", "panel": "dataset"}
    assert "has no rows" in run.figure(figures.heatmap, source, **options)


def test_a_broken_table_stops_with_its_name_and_the_cure(copy: Path) -> None:
    (copy / "results/tables/gmad.csv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"results/tables/gmad\.csv.*dvc repro gmad --force"):
        _ = Run(**roots(copy)).source("results/tables/gmad.csv").frame


def test_a_file_that_no_stage_makes_is_refused(run: Run) -> None:
    with pytest.raises(ValueError, match="no stage of dvc"):
        run.source("results/tables/zeroshot.csv")
    with pytest.raises(ValueError, match="results, data, models"):
        run.source("tables/zero_shot.csv")


@pytest.mark.parametrize("name", ["nan", "NA", "None", "null"])
def test_what_is_called_as_nothing_is_still_there(copy: Path, name: str) -> None:
    path = copy / "results/tables/zero_shot.csv"
    path.write_text(path.read_text().replace("niqe,", f"{name},"))
    frame = Run(**roots(copy)).source("results/tables/zero_shot.csv").frame
    assert frame["method"].eq(name).any()
    assert frame["method"].notna().all()
    assert frame["published"].isna().any()  # an empty cell


def test_a_proxy_is_called_one_in_tables_and_figures_of_its_data_set_alone(run: Run) -> None:
    source = run.source("results/tables/zero_shot.csv")
    demo, people = run.table(tables.comparison, source, run.source("results/tables/differences.csv")).split(
        "</figure>"
    )[:2]
    assert PROXY in demo
    assert PROXY not in people
    shown = run.figure(figures.forest, source, statistic="srcc")
    assert PROXY in shown.split('alt="')[1].split('"')[0]


def duels(run: Run) -> str:
    return views.duels(run, run.source("results/gmad/pairs.csv"))


@pytest.mark.parametrize("show", [views.examples, duels])
def test_a_picture_that_cannot_be_read_keeps_its_place(
    copy: Path, tree: Path, show: Callable[[Run], str]
) -> None:
    shutil.copytree(tree / "data", copy / "data", dirs_exist_ok=True)
    pictures = sorted((copy / "data/demo/images").iterdir())
    for path in pictures[::2]:
        path.write_bytes(b"no picture")
    for path in pictures[1::2]:
        path.unlink()
    shown = show(Run(**roots(copy)))
    assert "not a picture in a format" in shown
    assert "the file is missing" in shown


def test_a_level_at_which_the_defender_has_no_image_is_no_duel(run: Run) -> None:
    assert "24 of 71 pairs" in duels(run)


def test_a_duel_names_its_data_set_and_what_each_judge_said_of_it(copy: Path) -> None:
    path = copy / "results/gmad/pairs.csv"
    frame = pd.read_csv(path).dropna().head(1).assign(judge="mos", level=1, gap=100.0, preference=98.0)
    said = [{}, {"judge": "people", "preference": -40.0}, {"dataset": "people"}]
    unasked = {"judge": "people", "level": 6, "preference": np.nan}
    pd.concat([frame.assign(**each) for each in [*said, unasked]]).to_csv(path, index=False)
    shown = duels(Run(**roots(copy)))
    assert "2 of 2 pairs" in shown
    assert re.findall(r"([^<>]*): [^<>]* at level (\d): gap 100.0 of 100, preference ([^<>]*)<", shown) == [
        ("Demo (proxy)", "1", "98 (opinion scores), −40 (people)"),
        ("KonIQ-10k", "1", "98 (opinion scores)"),
    ]


def test_pages_of_studies_name_the_data_set_that_they_were_made_of(
    tree: Path, tmp_path: Path, running: Mapping[str, Any]
) -> None:
    params = tmp_path / "params.yaml"
    settings = yaml.safe_load((tree / "params.yaml").read_text()) | {"sweep": {"dataset": "demo"}}
    settings |= {"robustness": {"dataset": "people"}, "gradcam": {"dataset": "people"}}
    params.write_text(yaml.safe_dump(settings))
    given = roots(tree) | {"params": str(params)}
    report([], given, pages=["robustness", "gradcam"], reports=tmp_path, running=running)
    said = {name: (tmp_path / f"{name}.html").read_text() for name in ("robustness", "gradcam")}
    parts = re.split("<h2", said["robustness"])
    named = [set(re.findall("Pictures of ([^<]*) [(]<code>", part)) for part in (*parts, said["gradcam"])]
    assert [names for names in named if names] == [{"Demo (proxy)"}, *[{"KonIQ-10k"}] * 3]


def test_findings_are_those_of_the_table(run: Run) -> None:
    frame = run.source("results/tables/zero_shot.csv").frame
    people = frame[frame["dataset"].eq("people") & frame["statistic"].eq("srcc")].set_index("method")["value"]
    said = findings(run)
    best = run.labels.method(people.idxmax())
    assert f"{best} agrees best with the human scores of KonIQ-10k: SRCC {people.max():.3f}" in said
    published = frame[frame["statistic"].eq("srcc")].dropna(subset="published")
    inside = int(published["published"].between(published["low"], published["high"]).sum())
    assert f"Of {len(published)} published SRCC values, {inside} lie" in said


def test_findings_tell_worse_from_level_from_untested(copy: Path) -> None:
    path = copy / "results/tables/differences.csv"
    tests = pd.read_csv(path)
    best = tests["dataset"].eq("demo") & tests["method_a"].eq("qualiclip")
    tests.loc[best, "p_holm"] = tests.loc[best, "method_b"].map({"clipiqa": 0.01, "niqe": 0.2})
    tests.to_csv(path, index=False)
    said = findings(Run(**roots(copy)))
    assert (
        "significantly worse (paired, Holm): Untrained backbone; not significantly worse: NIQE; "
        "not tested: Sharpness." in said
    )
    run = Run(**roots(copy))
    source = run.source("results/tables/differences.csv")
    assert "underlined or tested where fewer than 10 references" in run.table(tables.differences, source)
    assert "1 of 12 could not be tested" in run.figure(figures.differences, source)


def test_an_untouched_run_has_nothing_to_say(tmp_path: Path) -> None:
    run = Run(**roots(tmp_path))
    assert "nothing to say" in findings(run)
    assert "gradient" not in views.datasets(run)


def test_a_run_rated_by_nobody_and_weights_from_nowhere_are_cautioned(run: Run, copy: Path) -> None:
    assert "QualiCLIP started from random weights" in views.caution(run)
    assert "No data set" not in views.caution(run)
    record = copy / "data/people/record.json"
    record.write_text(record.read_text().replace('"rated_by": "people"', '"rated_by": "none"'))
    assert f"No data set of this run was rated by people ({PROXY})" in views.caution(Run(**roots(copy)))


def test_a_part_of_a_data_set_is_cautioned(run: Run, copy: Path) -> None:
    assert "Not complete" not in views.caution(run)
    here = len(run.source("data/people/manifest.csv").frame)
    path = copy / "data/people/record.json"
    for whole, said in ((here, False), (here + 1200, True)):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"whole": whole}))
        run = Run(**roots(copy))
        assert (f"({here} of {here + 1200:,} pictures)" in views.caution(run)) is said
        assert (f"{here} of {here + 1200:,}" in views.datasets(run)) is said


@pytest.mark.parametrize(("origin", "said"), [("the official page", "the official page"), ("", "by hand")])
def test_a_data_set_says_which_table_of_which_source_its_scores_are(
    run: Run, copy: Path, origin: str, said: str
) -> None:
    assert "Read from" not in views.datasets(run)
    path = copy / "data/people/record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"table": "sets.csv", "origin": origin}))
    shown = views.datasets(Run(**roots(copy)))
    assert "Read from" in shown
    assert f"sets.csv; {said}" in shown.replace("placed here by hand", "by hand")


def test_settings_are_flattened_to_one_line_each(run: Run) -> None:
    shown = views.settings(run)
    assert "methods.qualiclip.train.steps" in shown
    assert "<span>600</span>" in shown


def test_listed_numbers_sort_by_value(run: Run) -> None:
    frame = pd.DataFrame({"name": ["a"], "count": [12345]})
    shown = views.listing(frame, "x", run.source("results/tables/gmad.csv"))
    assert 'data-sort="12345"' in shown
    assert "12,345" in shown


def test_rows_of_one_method_have_names_of_their_own(tmp_path):
    for name in ("arniqa", "arniqa_trained", "niqe"):
        trained(name, {"title": "NIQE" if name == "niqe" else "ARNIQA"}).write(tmp_path / name)
    (tmp_path / "params.yaml").write_text("methods: {arniqa: {}, arniqa_trained: {}, niqe: {}}")
    labels = Run(params=str(tmp_path / "params.yaml"), models=str(tmp_path)).labels
    shown = [labels.method(name) for name in ("arniqa", "arniqa_trained", "niqe")]
    assert shown == ["ARNIQA (arniqa)", "ARNIQA (arniqa_trained)", "NIQE"]


def test_pages_say_which_method_takes_no_part_and_why(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "copy")
    copy = tmp_path / "copy"
    table = copy / "results/tables/cross_dataset.csv"
    run = Run(**roots(copy))
    every = list(run.methods)
    assert len(every) >= 3
    pd.DataFrame({"method": every[:1]}).to_csv(table, index=False)
    (copy / "results/features" / every[1]).mkdir(parents=True, exist_ok=True)
    (copy / "results/features" / every[1] / "none").touch()
    shown = views.apart(run, run.source("results/tables/cross_dataset.csv"), "features")
    parts = shown.split("</p>")
    assert f"{run.labels.method(every[1])}: no features, so no part in this." in parts[0]
    assert run.labels.method(every[2]) in parts[1]
    assert "left out by the settings, or not there yet." in parts[1]
    assert run.labels.method(every[0]) not in shown
    pd.DataFrame({"method": every}).to_csv(table, index=False)
    assert views.apart(run, run.source("results/tables/cross_dataset.csv"), "features") == ""
    swept = copy / "results/tables/sweep.csv"
    pd.DataFrame({"method": every[1:]}).to_csv(swept, index=False)
    (copy / "results/studies" / every[0]).mkdir(parents=True, exist_ok=True)
    (copy / "results/studies" / every[0] / "sweep.json").write_text("{}")
    shown = views.apart(run, run.source("results/tables/sweep.csv"), "sweep")
    named = run.labels.method(every[0])
    assert f"{named}: asks an endpoint about each picture, about changed ones only where" in shown
    assert "sweep.methods names it" in shown


def test_a_method_whose_study_has_failed_is_missing_from_it(copy):
    run = Run(**roots(copy))
    every = list(run.methods)
    for method in every:
        (copy / "results/studies" / method).mkdir(parents=True, exist_ok=True)
        for study in ("cost", "sweep") if method == every[0] else ("cost", "sweep", "further"):
            (copy / "results/studies" / method / f"{study}.json").write_text("{}")
    shown = unscored.missing(run)
    assert f"{run.labels.method(every[0])} has no further, and" in shown
    assert f"<code>dvc repro study@{every[0]}</code>" in shown
    assert shown.count("dvc repro study@") == 1
    assert "1 study of a method" in unscored.summary(run)


def test_a_pristine_picture_is_of_no_type_of_distortion(copy):
    run = Run(**roots(copy))
    name = next(iter(run.records))
    path = copy / "data" / name / "manifest.csv"
    manifest = pd.read_csv(path)
    manifest["distortion"], manifest["level"] = "pristine", 0
    manifest.loc[:3, "distortion"], manifest.loc[:3, "level"] = ["blur", "blur", "jpeg", "noise"], 2
    manifest.to_csv(path, index=False)
    shown = str(views.datasets(Run(**roots(copy))))
    assert re.search(r"Types of distortion</dt>\s*<dd>3</dd>", shown), shown[:2000]


def test_the_first_page_says_which_opinions_hold_within_a_reference_alone(copy):
    assert "hold within a reference" not in views.caution(Run(**roots(copy)))
    name = next(iter(Run(**roots(copy)).records))
    path = copy / "data" / name / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"within": True}))
    run = Run(**roots(copy))
    assert f"Opinions of {run.labels.dataset(name)} hold within a reference alone" in views.caution(run)


@pytest.mark.parametrize("higher", [True, False])
def test_pictures_of_a_set_go_from_the_worst_to_the_best_whatever_its_direction(copy, higher):
    record, params = copy / "data/people/record.json", copy / "params.yaml"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"higher_is_better": higher}))
    settings = yaml.safe_load(params.read_text())
    params.write_text(yaml.safe_dump(settings | {"report": {**settings["report"], "pictures": "none"}}))
    manifest = copy / "data/people/manifest.csv"
    table = pd.read_csv(manifest)
    table.loc[:2, "mos"] = None
    table.to_csv(manifest, index=False)
    title = Run(**roots(copy)).labels.dataset("people")
    shown = str(views.examples(Run(**roots(copy))))
    part = shown[shown.index(f"{title}: from the worst score to the best.") :]
    scores = [float(text.replace("−", "-")) for text in re.findall(r"score (−?[\d.]+)", part)[:6]]
    mos = table["mos"].dropna()
    ends = (mos.min(), mos.max()) if higher else (mos.max(), mos.min())
    assert (scores[0], scores[-1]) == pytest.approx(ends, abs=0.006)
    assert scores == sorted(scores, reverse=not higher)
    assert f"{title}: distribution of {len(mos)} scores." in shown


def test_an_empty_setting_is_shown_as_what_it_is(copy):
    params = copy / "params.yaml"
    params.write_text(
        yaml.safe_dump(yaml.safe_load(params.read_text()) | {"without": [], "some": ["a", "b"]})
    )
    shown = str(views.settings(Run(**roots(copy))))
    found = dict(re.findall(r"<tr>.*?(without|some).*?<td[^>]*>(?:<span>)?([^<]*)<", shown, re.S))
    assert found == {"without": "[]", "some": "a, b"}


def test_installed_versions_are_not_said_to_be_those_of_the_lock(run):
    shown = str(views.versions(run))
    assert "requirements.lock" not in shown
    assert metadata.version("torch") in shown
