"""A method as a metric of torchmetrics: means over batches and over processes."""

import subprocess
import sys

import pytest
import torch

import methods

torchmetrics = pytest.importorskip("torchmetrics")

from benchmark.metrics import QualityScore  # noqa: E402


class Mean:
    """Scores by the mean pixel."""

    name, higher_is_better = "mean", False

    def score(self, images):
        return images.mean((1, 2, 3))


def pictures(count, seed):
    return torch.rand(count, 3, 9, 7, generator=torch.Generator().manual_seed(seed))


def test_the_mean_is_that_of_all_pictures_whatever_the_batches():
    metric = QualityScore(Mean())
    batches = [pictures(count, count) for count in (1, 5, 2)]
    seen = [metric(batch) for batch in batches]
    everything = torch.cat(batches)
    torch.testing.assert_close(metric.compute(), everything.mean())
    torch.testing.assert_close(torch.stack(seen), torch.stack([batch.mean() for batch in batches]))
    assert metric.higher_is_better is False
    metric.reset()
    metric.update(batches[0])
    torch.testing.assert_close(metric.compute(), batches[0].mean())


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (2, 1)])
def test_other_than_one_number_a_picture_has_no_mean(shape):
    """The sum of all that two pictures were given is no sum of their two scores."""
    method = Mean()
    method.score = lambda images: torch.ones(shape)
    metric = QualityScore(method)
    with pytest.raises(TypeError, match="mean: score must return one"):
        metric.update(pictures(2, 0))


def test_small_scores_are_not_lost_beside_a_large_sum():
    metric, score = QualityScore(Mean()), torch.tensor(0.1)
    metric.update(torch.full((1, 3, 1, 1), 2.0**24))  # from here on float32 has even numbers alone
    for _ in range(1000):
        metric.update(score.expand(4, 3, 1, 1))
    assert metric.compute().item() == pytest.approx((2**24 + 4000 * score.item()) / 4001, rel=1e-7)


def test_processes_weigh_by_their_pictures():
    """Two processes of 1 and 5 pictures; what gathers the states is given, as torchmetrics allows."""
    parts = [pictures(1, 0), pictures(5, 1)]
    others = [QualityScore(Mean()) for _ in parts]
    for metric, part in zip(others, parts, strict=True):
        metric.update(part)
    gathered = iter([[getattr(metric, name) for metric in others] for name in ("total", "rest", "count")])
    first = QualityScore(
        Mean(), dist_sync_fn=lambda state, group=None: next(gathered), distributed_available_fn=lambda: True
    )
    first.update(parts[0])
    torch.testing.assert_close(first.compute(), torch.cat(parts).mean())


PROCESS = """
import sys, torch
from benchmark.metrics import QualityScore
from tests.test_metrics import Mean
rank, meeting = int(sys.argv[1]), "file://" + sys.argv[2]
torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
metric = QualityScore(Mean())
metric.update(torch.zeros(1, 3, 4, 4) if rank == 0 else torch.ones(3, 3, 4, 4))
print(metric.compute().item())
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_of_torch_agree(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", PROCESS]
    started = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "meeting")], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    assert [process.communicate(timeout=120)[0] for process in started] == ["0.75\n", "0.75\n"]


def test_a_method_and_its_module_serve():
    own = methods.load("qualiclip-small")
    images = torch.rand(2, 3, 40, 48)
    for method in (own, own.as_module()):
        metric = QualityScore(method)
        metric.update(images)
        torch.testing.assert_close(metric.compute(), own.score(images).mean())


def test_in_a_collection_and_a_tracker():
    collection = torchmetrics.MetricCollection({"mean": QualityScore(Mean()), "again": QualityScore(Mean())})
    collection.update(pictures(3, 2))
    torch.testing.assert_close(collection.compute()["again"], pictures(3, 2).mean())


def test_what_cannot_be_scored_is_said():
    metric = QualityScore(methods.load("sharpness"))
    with pytest.raises(ValueError, match="divide by 255"):
        metric.update(torch.full((1, 3, 8, 8), 200.0))

    class Lost(Mean):
        def score(self, images):
            return torch.tensor([1.0, float("nan")])

    with pytest.raises(ValueError, match="mean: 1 of 2 scores are not finite"):
        QualityScore(Lost()).update(pictures(2, 0))
