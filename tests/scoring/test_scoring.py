"""Scoring against the plain loop that it replaces: one picture at a time, read and scored."""

import math
import threading
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark import scoring
from benchmark.images import read, write_png
from benchmark.method import NoScores
from benchmark.scoring import features_files, score_files, write_scores

SHAPES = [(8, 8), (8, 12), (12, 8)]


class Brightness:
    """Scores a picture by the mean of its green, and remembers the batches it was given."""

    name = "brightness"
    higher_is_better = True

    def __init__(self):
        self.batches = []

    def score(self, images):
        self.batches.append(tuple(images.shape))
        return images[:, 1].mean((1, 2))

    def features(self, images):
        return images.mean((2, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    generator = torch.Generator().manual_seed(0)
    for index in range(14):
        height, width = SHAPES[index % 3]
        write_png(root / f"{index:02d}.png", torch.rand(3, height, width, generator=generator))
    (root / "bad.png").write_bytes((root / "00.png").read_bytes()[:60])
    (root / "empty.png").write_bytes(b"")
    return root


NAMES = [
    *(f"{index:02d}.png" for index in range(7)),
    "bad.png",
    *(f"{i:02d}.png" for i in range(7, 14)),
    "no.png",
]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.permutations(NAMES),
    batch=st.integers(1, 20),
    workers=st.integers(1, 5),
    held=st.integers(1, 2000),
)
def test_any_order_batch_and_threads_give_what_the_plain_loop_gives(folder, names, batch, workers, held):
    method = Brightness()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "PIXELS_HELD", held)
        frame = score_files(names, method, root=folder, batch=batch, workers=workers)
    assert frame["image"].tolist() == names
    for row in frame.itertuples():
        if row.image in ("bad.png", "no.png"):
            assert math.isnan(row.score)
            assert row.image in row.error
        else:
            assert row.score == pytest.approx(float(read(folder / row.image)[1].mean()), rel=1e-6)
            assert row.error == ""
    assert all(shape[0] <= batch for shape in method.batches)
    several = any(shape[0] > 1 for shape in method.batches)  # of the first such batch one is scored alone too
    assert sum(shape[0] for shape in method.batches) == 14 + several


class Live:
    """Counts the pixels of decoded pictures that something still holds."""

    def __init__(self):
        self.now = self.most = 0
        self.lock = threading.Lock()

    def read(self, path, short_side=0, admit=lambda _: None):
        def counted(pixels):
            admit(pixels)
            self.add(pixels)

        image = read(path, short_side, counted)
        weakref.finalize(image, self.add, -image.shape[1:].numel())
        return image

    def add(self, pixels):
        with self.lock:
            self.now += pixels
            self.most = max(self.most, self.now)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.permutations([name for name in NAMES if name != "bad.png"]),
    batch=st.integers(1, 5),
    workers=st.integers(1, 5),
    bound=st.integers(1, 600),
    held=st.integers(1, 600),
)
def test_pixels_in_memory_stay_within_their_bound_and_change_no_batch(
    folder, names, batch, workers, bound, held
):
    """Pictures of 64 and 96 pixels; a batch that is read a second time comes beside the bound."""
    free, bounded, live = Brightness(), Brightness(), Live()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "PIXELS_HELD", held)
        options = {"root": folder, "batch": batch, "workers": workers}
        every = list(scoring.stream(names, free.score, pixels=10**9, **options))
        again = list(scoring.stream(names, bounded.score, pixels=bound, reader=live.read, **options))
    assert bounded.batches == free.batches
    found, expected = (
        [(r.index, r.size, r.error, r.value) for part in e for r in part] for e in (again, every)
    )
    assert found == expected
    largest = 96 * batch
    assert live.most <= max(bound, 96) + largest
    assert live.now == 0


def test_pictures_larger_than_the_bound_go_in_alone(folder):
    live, options = Live(), {"root": folder, "batch": 1, "workers": 4, "pixels": 1}
    parts = list(scoring.stream(NAMES[:7], Brightness().score, reader=live.read, **options))
    assert len(parts) == 7
    assert live.most == 96


@pytest.mark.parametrize("stop", ["close", "error"])
def test_a_stream_that_is_left_ends_its_threads(folder, stop):
    before = threading.active_count()
    method = Brightness()
    if stop == "error":
        method.score = lambda images: 1 / 0
    stream = scoring.stream(NAMES, method.score, root=folder, batch=1, workers=4, pixels=1)
    if stop == "error":
        with pytest.raises(ZeroDivisionError):
            list(stream)
    else:
        next(stream)
        stream.close()
    assert threading.active_count() == before


def test_pictures_of_one_size_share_a_batch(folder):
    method = Brightness()
    score_files([f"{index:02d}.png" for index in range(12)], method, root=folder, batch=4)
    assert method.batches.pop(1) == (1, *method.batches[0][1:])
    assert sorted(method.batches) == sorted((4, 3, *shape) for shape in SHAPES)


def test_score_that_is_not_finite_becomes_an_error(folder):
    method = Brightness()
    method.score = lambda images: torch.tensor([float("nan"), 1.0, float("inf")])[: len(images)]
    frame = score_files(["00.png", "03.png", "06.png"], method, root=folder)
    assert frame["error"].tolist() == ["score is not finite", "", "score is not finite"]
    assert frame["score"].isna().tolist() == [True, False, True]


def test_a_refused_picture_keeps_its_row_and_the_rest_of_its_batch_is_scored(folder):
    class Picky(Brightness):
        def score(self, images):
            if (images[:, 0, 0, 0] == dark).any():
                raise ValueError("too dark to judge")
            return super().score(images)

    dark = read(folder / "03.png")[0, 0, 0]
    frame = score_files(["00.png", "03.png", "06.png"], Picky(), root=folder)
    assert frame["error"].tolist() == ["", "too dark to judge", ""]
    assert frame["score"].isna().tolist() == [False, True, False]


def test_a_refusal_without_a_word_has_a_reason_all_the_same(folder):
    method = Brightness()

    def score(images):
        raise ValueError

    method.score = score
    frame = score_files(["00.png"], method, root=folder)
    assert frame["score"].isna().all()
    assert frame["error"].str.contains("refuses it").all()


def test_a_fault_of_the_method_passes_on_and_names_the_pictures(folder):
    method = Brightness()
    method.score = lambda images: images @ torch.zeros(3)
    with pytest.raises(RuntimeError) as caught:
        score_files(["00.png", "03.png"], method, root=folder)
    assert str(folder / "03.png") in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    "result",
    [torch.zeros(()), torch.zeros(7), torch.zeros(2, 2), [0.0, 0.0], np.zeros(2), None],
    ids=["scalar", "seven", "matrix", "list", "array", "nothing"],
)
def test_a_method_must_return_one_number_a_picture(folder, result):
    method = Brightness()
    method.score = lambda images: result
    with pytest.raises(TypeError, match=r"must return (one (number|row)|a tensor)"):
        score_files(["00.png", "03.png"], method, root=folder)


@pytest.mark.parametrize("shape", [(), (7,), (2, 2)])
def test_so_must_it_where_a_picture_is_scored_alone_too(folder, shape):
    method = Brightness()
    method.score = lambda images: torch.zeros(shape)
    with pytest.raises(TypeError, match=r"brightness must return one (number|row)"):
        score_files(NAMES, method, root=folder, batch=2)


@pytest.mark.parametrize(
    "mixed",
    [
        lambda s: s - s.mean(),  # of the batch
        lambda s: (s - s.mean()) / (s.std(correction=0) + 1e-6),  # a normalisation in training mode
        lambda s: 50 + s - s.mean(),
    ],
)
def test_a_score_that_hangs_on_the_batch_is_refused(folder, mixed):
    method = Brightness()
    alone, method.score = method.score, lambda images: mixed(alone(images))
    with pytest.raises(RuntimeError, match=r"brightness: a picture has the score .* alone and .* in a batch"):
        score_files(NAMES, method, root=folder, batch=3)
    assert score_files(NAMES, method, root=folder, batch=1)["score"].notna().sum() == 14


def test_sums_in_another_order_are_no_batch_that_matters(folder):
    method = Brightness()
    alone, method.score = method.score, lambda images: alone(images) * (1 + 1e-5 * len(images))
    assert score_files(NAMES, method, root=folder, batch=3)["score"].notna().sum() == 14


def test_nothing_to_score_gives_an_empty_table():
    frame = score_files([], Brightness())
    assert frame.columns.tolist() == ["image", "score", "error"]
    assert frame.empty


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"workers": 0}])
def test_counts_below_one_are_refused(wrong):
    with pytest.raises(ValueError, match="batch and workers must be at least 1"):
        score_files([], Brightness(), **wrong)


def test_rows_are_kept_in_their_order(folder):
    names = ["06.png", "empty.png", "01.png"]
    frame = score_files(names, Brightness(), root=folder)
    assert frame["image"].tolist() == names
    assert "zero bytes" in frame["error"].iloc[1]


def test_features_leave_out_what_cannot_be_read_and_say_why(folder):
    names, features, errors = features_files(
        ["05.png", "bad.png", "00.png"], Brightness(), root=folder, batch=2
    )
    assert names == ["05.png", "00.png"]
    assert features.dtype == np.float32
    expected = torch.stack([read(folder / name).mean((1, 2)) for name in names])
    assert features == pytest.approx(expected.numpy(), rel=1e-6)
    assert list(errors) == ["bad.png"]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda images: images.flatten(1), "of one D for pictures of any size: "),
        (lambda images: images[..., :4, :4], r"00\.png has \[3, 4, 4\]"),
    ],
)
def test_features_of_every_picture_are_rows_of_one_length(folder, made, says):
    method = Brightness()
    method.features = made
    names = sorted(path.name for path in folder.glob("0*.png"))
    assert len({read(folder / name).shape for name in names}) > 1
    with pytest.raises(TypeError, match=says):
        features_files(names, method, root=folder)


def test_features_that_are_not_finite_are_left_out(folder):
    method = Brightness()
    method.features = lambda images: torch.tensor([[0.0, 1.0], [0.0, float("nan")]])
    names, features, errors = features_files(["00.png", "03.png"], method, root=folder)
    assert names == ["00.png"]
    assert features.tolist() == [[0, 1]]
    assert errors == {"03.png": "features are not finite"}


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_written_scores_are_the_same_float32_again(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("scores") / "method" / "toy.csv"
    frame = pd.DataFrame({"image": [f"a, {i}.png" for i in range(len(values))], "score": values, "error": ""})
    write_scores(frame, path)
    again = pd.read_csv(path, keep_default_na=False)
    assert again["score"].astype(np.float32).tolist() == np.float32(values).tolist()
    assert again["image"].tolist() == frame["image"].tolist()
    assert [entry.name for entry in path.parent.iterdir()] == ["toy.csv"]


class Described(Brightness):
    """Has features alone, which it says when it is asked to score, or before."""

    def __init__(self, said=""):
        super().__init__()
        self.no_scores = said

    def score(self, images):
        super().score(images)
        raise NoScores("set `regressor`")


def test_a_method_that_has_features_alone_is_asked_for_no_picture(folder, monkeypatch):
    monkeypatch.setattr(scoring, "stream", None)
    with pytest.raises(NoScores, match="set `regressor`"):
        score_files(NAMES, Described("set `regressor`"), root=folder)


def test_a_method_that_says_so_late_says_it_once(folder):
    method = Described()
    with pytest.raises(NoScores, match="set `regressor`"):
        score_files(NAMES, method, root=folder, batch=1)
    assert len(method.batches) == 1
