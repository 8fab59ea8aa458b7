"""QualiCLIP's losses and draws as plain loops, in every reading that a setting offers."""

import itertools

import numpy as np

GROUPS = (
    ("gaublur", "lensblur", "motionblur"),
    ("colordiff", "colorshift", "colorsat1", "colorsat2"),
    ("jpeg2000", "jpeg"),
    ("whitenoise", "whitenoiseCC", "impulsenoise", "multnoise"),
    ("brighten", "darken", "meanshift"),
    ("jitter", "noneccpatch", "pixelate", "quantization", "colorblock"),
    ("highsharpen", "lincontrchange", "nonlincontrchange"),
)


def terms_of_image(positive, negative, m_cons, m_rank, reduction):
    """Consistency, positive and negative term of cosines ``[L, 2]`` to one prompt of either kind."""
    levels = range(len(positive))
    consistency = [max(0.0, abs(s[i][0] - s[i][1]) - m_cons) for s in (positive, negative) for i in levels]
    pairs = [
        (i, k, c, d)
        for i, k in itertools.combinations(levels, 2)
        for c, d in itertools.product(range(2), repeat=2)
    ]
    up = [max(0.0, m_rank - (positive[i][c] - positive[k][d])) for i, k, c, d in pairs]
    down = [max(0.0, m_rank - (negative[k][d] - negative[i][c])) for i, k, c, d in pairs]
    if reduction == "sum":
        return np.array([sum(consistency), sum(up), sum(down)])
    # The consistency of either prompt is a term of its own, so its mean is over the levels.
    return np.array([2 * np.mean(consistency), np.mean(up), np.mean(down)])


def terms(positive, negative, m_cons, m_rank, averaged="cosines", reduction="sum"):
    """Mean over images of the three terms, of cosines ``[L, B, 2, P]``."""
    found = []
    for b in range(positive.shape[1]):
        if averaged == "cosines":
            sides = [(positive[:, b].mean(axis=-1), negative[:, b].mean(axis=-1))]
        else:
            sides = [(positive[:, b, :, p], negative[:, b, :, p]) for p in range(positive.shape[3])]
        found.append(np.mean([terms_of_image(*side, m_cons, m_rank, reduction) for side in sides], axis=0))
    return dict(zip(("consistency", "positive", "negative"), np.mean(found, axis=0), strict=True))


def probability(kind, drawn):
    """How likely one draw gives a type."""
    (group,) = [group for group in GROUPS if kind in group]
    return 1 / 24 if drawn == "types" else 1 / (7 * len(group))
