import sys

import pytest


@pytest.fixture(autouse=True)
def _small_sheets(monkeypatch):
    """A sheet of 120 degraded pictures takes half a second, and one test looks at it."""
    if "methods.qualiclip.training" in sys.modules:
        monkeypatch.setattr("methods.qualiclip.training.SHOWN", 32)


@pytest.fixture(autouse=True)
def _own_journals(tmp_path_factory, monkeypatch):
    """What is known of the tests' pictures stays out of the user's cache."""
    monkeypatch.setattr(
        "methods._shared.training.loop.journals", lambda: tmp_path_factory.getbasetemp() / "journals"
    )
