import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from benchmark.datasets import catalogue
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.datasets.prepared.record import Record
from benchmark.degradations import GROUPS
from benchmark.images import write_png
from benchmark.robustness import (
    UNSEEN,
)
from experiments.analyses import robustness as robustness_stage
from experiments.analyses import subject
from experiments.runs.cells import Cells
from experiments.settings import parse
from experiments.stages import studies as studies_stage
from experiments.stages import study
from tests.composed import composed
from tests.made import trained


class Grey:
    """Mean brightness and, as features, the mean colour."""

    name = "grey"
    higher_is_better = True

    def score(self, images):
        return images.mean((1, 2, 3))


@pytest.fixture
def stage_of(tmp_path, monkeypatch):
    """A prepared data set of 4 references, darker at each level, with scores and features of one method."""
    rows, vectors = [], []
    (tmp_path / "data/toy").mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for reference in range(4):
        clean = 0.2 + 0.5 * torch.rand(3, 48, 48, generator=generator)
        for level in range(4):
            name = f"{reference}_{level}.png"
            write_png(tmp_path / "data/toy" / name, clean * (1 - 0.2 * level))
            kind = "darken" if level else "pristine"
            rows.append((name, -float(level) + 0.01 * reference, f"r{reference}", kind, level))
            vectors.append([1.0, level, 0.1 * reference])
    frame = pd.DataFrame(rows, columns=["image", "mos", "reference", "distortion", "level"])
    record = Record("toy", "Toy", "made here", "CC0", "level", -9, 9, True, "proxy")
    write_dataset(tmp_path / "data/toy", record, frame)
    for folder in ("results/scores/grey", "results/features/grey", "results/tables", "models/grey"):
        (tmp_path / folder).mkdir(parents=True)
    frame.assign(score=frame["mos"], error="")[["image", "score", "error"]].to_csv(
        tmp_path / "results/scores/grey/toy.csv", index=False
    )
    np.savez(tmp_path / "results/features/grey/toy.npz", image=frame["image"].to_numpy(str), features=vectors)
    trained("grey", code_sha256="c0de").write(tmp_path / "models/grey")
    monkeypatch.chdir(tmp_path)
    base = parse(yaml.safe_load(composed("profile=demo")))
    changes = {
        "prepare": {"datasets": {"toy": {}}},
        "gradcam": {"methods": []},
        "cost": {"width": 48, "height": 32},
        "sweep": {"dataset": "toy", "images": 1, "kinds": ["darken"]},
        "score": {"datasets": ["toy"]},
        "evaluate": {"resamples": 100},
        "robustness": {
            **{"dataset": "toy", "images": 5, "references": 2, "kinds": ["darken"]},
            **{"levels": 6, "manifold": "toy", "features": ["grey"]},
        },
    }
    changed = {key: getattr(base, key).model_copy(update=change) for key, change in changes.items()}
    settings = base.model_copy(update={**changed, "seed": 1, "methods": {"grey": base.methods["niqe"]}})
    monkeypatch.setattr(studies_stage.stage, "start", lambda: settings)
    monkeypatch.setattr(subject, "load_trained", lambda name: Grey())
    return tmp_path


def studied():
    """Study the one method, and join."""
    study.study("grey")
    studies_stage.studies()


def test_stage_writes_every_study(stage_of):
    studied()
    tables = {path.stem: pd.read_csv(path) for path in (stage_of / "results/tables").glob("*.csv")}
    assert set(tables) == {
        *("further", "further_order", "sensitivity", "waterloo", "retrieval"),
        *("sweep", "sweep_order", "cost", "gradcam"),
    }
    assert set(tables["further"]["distortion"]) == {"darken", *UNSEEN}
    assert tables["further"].query("distortion == 'darken'")["level"].max() == 6
    flips = tables["sensitivity"].query("change == 'flip' and statistic == 'abs_shift'")
    assert flips["value"].item() == pytest.approx(0, abs=1e-4)
    # The scores are the opinions: levels and pairs are all right; pristine ones stand above all others.
    tests = tables["waterloo"].set_index("statistic")["value"]
    assert set(tests.index) == {"d_test", "chance_d", "l_test", "p_test"}
    assert set(tests.drop("chance_d").round(6)) == {1.0}
    assert 0.5 < tests["chance_d"] < 1
    found = tables["retrieval"].query("distortion == 'all' and statistic == 'retrieval_level'")
    assert found["value"].item() == 1
    layout = pd.read_csv(stage_of / "results/robustness/manifold.csv")
    assert len(layout) == 16
    assert set(layout["group"]) == {"brightness_change", "pristine"}


def test_stage_leaves_out_what_a_data_set_cannot_give(stage_of, capsys):
    path = stage_of / "data/toy/manifest.csv"
    frame = pd.read_csv(path)
    frame.query("level > 0").to_csv(path, index=False)
    with pytest.raises(ValueError, match="'toy' has no undistorted pictures"):
        studied()
    frame.query("level > 0").assign(reference="", distortion="", level="").to_csv(path, index=False)
    studied()
    assert "need pristine and degraded pictures at two levels" in capsys.readouterr().out
    assert pd.read_csv(stage_of / "results/tables/waterloo.csv").empty
    assert pd.read_csv(stage_of / "results/tables/retrieval.csv").empty
    assert pd.read_csv(stage_of / "results/robustness/manifold.csv").empty


@pytest.mark.parametrize(("levels", "enough"), [((0, 1, 2), True), ((0, 3), False), ((1, 2, 3), False)])
def test_the_tests_of_waterloo_need_pristine_pictures_and_two_levels(stage_of, levels, enough):
    path = stage_of / "data/toy/manifest.csv"
    frame = pd.read_csv(path)
    frame[frame["level"].isin(levels)].to_csv(path, index=False)
    settings = studies_stage.stage.start()
    assert bool(robustness_stage.waterloo(settings, Cells(stage_of / "own"))) == enough


def test_a_picture_of_several_crops_has_one_place(stage_of):
    studied()
    path, layout = stage_of / "results/features/grey/toy.npz", stage_of / "results/robustness/manifold.csv"
    once = pd.read_csv(layout)
    with np.load(path) as file:
        names, vectors = file["image"], file["features"]
    around = np.stack([vectors - 0.25, vectors, vectors + 0.25], axis=1).reshape(-1, vectors.shape[1])
    np.savez(path, image=np.repeat(names, 3), features=around)
    studied()
    pd.testing.assert_frame_equal(pd.read_csv(layout), once)


def test_pictures_are_spread_over_the_opinions(stage_of):
    data = robustness_stage.results.dataset("toy")
    assert robustness_stage.spread(data, 3)[0] == "0_3.png"
    assert robustness_stage.spread(data, 3)[-1] == "3_0.png"
    assert len(robustness_stage.spread(data, 99)) == 16


def test_kinds_of_kadid_are_grouped_as_published_and_unknown_ones_stand_alone():
    record = catalogue.entry("kadid10k")
    kinds = pd.Series([*record.layout[0]["distortions"], "darken", "fog", None, "darken"])
    found = robustness_stage.groups(kinds, pd.Series([1] * 28 + [0]))
    assert set(found[:25]) == set(GROUPS)
    assert list(found[25:]) == ["brightness_change", "fog", "pristine", "pristine"]
