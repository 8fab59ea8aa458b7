import numpy as np
import pandas as pd
import pytest

from tests.protocols.data import TYPES


@pytest.fixture(scope="module")
def manifest():
    g = np.random.default_rng(0)
    rows = [
        (f"{r:02d}_{t}_{k}", f"ref{r:02d}", t, k) for r in range(20) for t in TYPES for k in (1, 2, 3, 4, 5)
    ]
    frame = pd.DataFrame(rows, columns=["image", "reference", "distortion", "level"])
    content = np.repeat(g.normal(size=20), 15)
    mos = 8 - frame["level"] + 0.5 * content + 0.5 * g.normal(size=len(frame))
    return frame.assign(mos=mos, mos_std=0.4, split="")
