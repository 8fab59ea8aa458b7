import pytest


@pytest.fixture(autouse=True)
def _own_journals(tmp_path_factory, monkeypatch):
    """What is known of the tests' pictures stays out of the user's cache."""
    monkeypatch.setattr(
        "methods._shared.training.loop.journals", lambda: tmp_path_factory.getbasetemp() / "journals"
    )
