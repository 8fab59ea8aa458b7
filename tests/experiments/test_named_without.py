"""A method that a list names, and that lacks what the list is of: an error, not an absent row."""

from types import SimpleNamespace

import pytest

import methods
from experiments.analyses import gradcam, robustness
from experiments.runs import results


def test_a_method_without_features_is_refused_where_robustness_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    none = tmp_path / "results/features/plain" / results.NO_FEATURES
    none.parent.mkdir(parents=True)
    none.touch()
    probed = SimpleNamespace(takes=lambda name: True)
    named = SimpleNamespace(manifold="toy", features=["plain"])
    settings = SimpleNamespace(methods={"plain": None}, cross_dataset=probed, robustness=named)
    with pytest.raises(ValueError, match=r"robustness\.features: 'plain' has no features"):
        robustness.layouts(settings, None)
    named.features = None
    layout, tables = robustness.layouts(settings, None)
    assert layout.empty
    assert not tables


@pytest.mark.parametrize(
    ("listed", "shuffled", "key"), [(["sharpness"], [], "methods"), (None, ["sharpness"], "shuffled")]
)
def test_a_method_without_gradients_is_refused_where_gradcam_names_it(listed, shuffled, key):
    asked = SimpleNamespace(methods=listed, shuffled=shuffled, how="gradcam")
    subject = SimpleNamespace(
        name="sharpness", method=methods.load("sharpness"), settings=SimpleNamespace(gradcam=asked)
    )
    with pytest.raises(ValueError, match=rf"gradcam\.{key}: sharpness has no gradients"):
        gradcam.measured(subject, None)
    asked.methods, asked.shuffled = None, []
    assert gradcam.measured(subject, None) == {}
