import sys

import pytest


@pytest.fixture(autouse=True)
def _small_sheets(monkeypatch):
    """A sheet of 120 degraded pictures takes half a second, and one test looks at it."""
    if "methods.qualiclip.training" in sys.modules:
        monkeypatch.setattr("methods.qualiclip.training.SHOWN", 32)


@pytest.fixture(scope="package", autouse=True)
def _narrow_text_tower():
    """A narrow text tower: to draw the vocabulary of the small CLIP takes most of the time of making one."""
    with pytest.MonkeyPatch.context() as patch:
        if encoder := sys.modules.get("methods._shared.clip.encoder"):
            patch.setitem(encoder.SMALL["text_cfg"], "width", 16)
        yield


@pytest.fixture(autouse=True)
def _own_journals(tmp_path_factory, monkeypatch):
    """What is known of the tests' pictures stays out of the user's cache."""
    monkeypatch.setattr(
        "methods._shared.training.loop.journals", lambda: tmp_path_factory.getbasetemp() / "journals"
    )


@pytest.fixture
def narrow_resnets(monkeypatch):
    """ResNets of a quarter of the channels, where what is tested does not depend on their number."""
    from tests.reference import arniqa  # with torch, which some tests of the folder do without

    arniqa.narrow(monkeypatch)


@pytest.fixture
def breaking(monkeypatch):
    """Let every step leave a weight that is no number, as a gradient without bound does."""
    import torch

    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):

        def step(self, *rest, take=kind.step, **more):
            take(self, *rest, **more)
            self.param_groups[0]["params"][0].data.fill_(float("nan"))

        monkeypatch.setattr(kind, "step", step)
