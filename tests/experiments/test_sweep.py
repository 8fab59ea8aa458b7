"""Which kinds the sweep takes, and what a picture costs a method."""

import pytest

import methods
from benchmark.degradations import GROUPS, LEVELS
from experiments.analyses.sweep import chosen, costs
from experiments.runs.cells import Cells
from experiments.settings import Cost


def test_all_kinds_or_some_by_their_groups():
    assert chosen("all") == {group: list(kinds) for group, kinds in GROUPS.items()}
    assert chosen(["jpeg", "gaublur"]) == {"blur": ["gaublur"], "jpeg": ["jpeg"]}
    assert sorted(kind for kinds in chosen(list(LEVELS)).values() for kind in kinds) == sorted(LEVELS)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"sweep\.kinds: 'gausblur'.*did you mean 'gaublur'"):
        chosen(["gausblur"])


class Of:
    """A subject with the method of this name, as published."""

    def __init__(self, name, folder):
        self.name, self.method = name, methods.load(name)
        self.cells, self.settings = Cells(folder / name), Cut

    def made_from(self, study, **more):
        return {"study": study, **more}


class Cut:
    """Settings of a small picture."""

    seed, cost = 27, Cost(width=48, height=32)


def test_the_cost_of_a_method_is_counted_at_the_size_asked_for(tmp_path):
    found = {}
    for name in ("sharpness", "qualiclip_small"):
        subject = Of(name, tmp_path)
        costs(subject)
        found[name] = subject.cells.read("cost")["cost"].iloc[0]
    assert all((row["width"], row["height"]) == (48, 32) for row in found.values())
    assert found["sharpness"][["parameters", "weight_bytes", "multiply_adds"]].eq(0).all()
    network = subject.method.cam_module
    assert 0 < found["qualiclip_small"]["parameters"] <= sum(p.numel() for p in network.parameters())
    # Luma in float32 at the least, at the most a few copies of the picture in float64.
    assert 4 * 48 * 32 <= found["sharpness"]["peak_bytes"] <= 20 * 8 * 48 * 32
