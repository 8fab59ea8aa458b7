"""No variable of the machine says where files are fetched from."""

import pytest


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("IQA_OFFLINE", "IQA_MIRROR", "HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
