import numpy as np
import pandas as pd

from benchmark.protocols import (
    Resampling,
    data_hash,
    sign,
    zero_shot,
)
from tests.protocols.data import UP, scores_of


def test_signature(manifest):
    digest = data_hash(manifest)
    assert digest == data_hash(manifest.sample(frac=1, random_state=0)[manifest.columns[::-1]])
    changed = manifest.copy()
    changed.loc[0, "mos"] += 1e-9
    assert digest != data_hash(changed)
    for name in ("ratings", "mos_within"):
        with_it = [manifest.assign(**{name: number}) for number in (5.0, 6.0)]
        assert len({digest, *map(data_hash, with_it)}) == 3
    table = zero_shot(scores_of(manifest), manifest, **UP, how=Resampling(20))
    signed = sign(table, method="0123456789abcdef", resolution="whole image", data=digest)
    assert signed["signature"].iloc[0].startswith("n=300|zero-shot, whole set;")
    assert signed["signature"].iloc[0].endswith(f"input=whole image|method=0123456789ab|data={digest[:12]}")


def test_signature_of_a_pair_names_both():
    table = pd.DataFrame({"n": [9.0, np.nan], "protocol": ["paired", "alone"]})
    versions = ["a" * 64 + "+" + "b" * 64, "none"]
    signed = sign(table, method=versions, resolution=["short side scaled to 512", ""], data="d" * 64)
    assert signed["signature"].tolist() == [
        f"n=9|paired|input=short side scaled to 512|method={'a' * 12}+{'b' * 12}|data={'d' * 12}",
        f"n=|alone|input=|method=none|data={'d' * 12}",
    ]
