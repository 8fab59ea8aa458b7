"""Which kinds the sweep takes, and the costs that it writes down."""

import pandas as pd
import pytest

import methods
from benchmark.degradations import GROUPS, LEVELS
from experiments import stage
from experiments.sweep import chosen, costs


def test_all_kinds_or_some_by_their_groups():
    assert chosen("all") == {group: list(kinds) for group, kinds in GROUPS.items()}
    assert chosen(["jpeg", "gaublur"]) == {"blur": ["gaublur"], "jpeg": ["jpeg"]}
    assert sorted(kind for kinds in chosen(list(LEVELS)).values() for kind in kinds) == sorted(LEVELS)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"sweep\.kinds: 'gausblur'.*did you mean 'gaublur'"):
        chosen(["gausblur"])


def test_the_cost_of_every_method_stands_beside_the_sweep(tmp_path, monkeypatch):
    made = {name: methods.load(name) for name in ("sharpness", "qualiclip_small")}
    about = {name: {"code_sha256": "a" * 64, "weights_sha256": "", "load": {}} for name in made}
    monkeypatch.setattr(stage, "TABLES", tmp_path)
    costs(made, about, width=48, height=32, seed=27)
    frame = pd.read_csv(tmp_path / "cost.csv").set_index("method")
    assert list(frame.index) == list(made)
    assert frame[["width", "height"]].eq([48, 32]).all(axis=None)
    assert frame.loc["sharpness", ["parameters", "weight_bytes", "multiply_adds"]].eq(0).all()
    network = made["qualiclip_small"].cam_module
    assert 0 < frame.loc["qualiclip_small", "parameters"] <= sum(p.numel() for p in network.parameters())
    # Luma in float32 at the least, at the most a few copies of the picture in float64.
    assert 4 * 48 * 32 <= frame.loc["sharpness", "peak_bytes"] <= 20 * 8 * 48 * 32
    costs(made, about, width=48, height=32, seed=27)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "cost.csv").set_index("method"), frame)
