"""Every test has a cache and a key of its own, and waits for nothing."""

import pytest

from methods.vlm import asking
from tests.methods.vlm.endpoint import KEY


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("IQA_OFFLINE", raising=False)
    monkeypatch.setattr(asking, "FIRST", 0.001)
