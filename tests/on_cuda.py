"""Tests of a CUDA device; they skip where there is none.

``CUDA_TESTS_ON=cpu`` runs them with the CPU in its place, which tries the tests themselves.
"""

import os

import pytest
import torch

# cuBLAS reads it when it is first used; without it torch cannot promise equal results of equal runs.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

DEVICE = torch.device(os.environ.get("CUDA_TESTS_ON", "cuda"))


def needed(test):
    """Mark a test, or what `pytest.param` takes as marks, as one of the device."""
    lacking = DEVICE.type == "cuda" and not torch.cuda.is_available()
    return pytest.mark.cuda(pytest.mark.skipif(lacking, reason="there is no CUDA device")(test))
