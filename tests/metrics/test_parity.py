"""Every metric agrees with torchmetrics or scikit-learn on the features of one net, and knows no order of samples."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from pdm.metrics.density_coverage import density_and_coverage
from pdm.metrics.fidelity import prototype_fidelity
from pdm.metrics.frechet import frechet_distance
from pdm.metrics.kid import kernel_distance
from pdm.metrics.memorisation import memorised_share, nearest_distances
from pdm.metrics.precision_recall import precision, recall
from tests.tiny import strokes

seeds = st.integers(0, 10_000)
DIM = 6


class Net(nn.Module):
    """A feature net as torchmetrics takes them: images to features (B, 6)."""

    num_features = DIM

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.conv = nn.Conv2d(1, DIM, 5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x.float() / 255).relu().mean((2, 3))


def two_sets(seed: int) -> tuple[torch.Tensor, torch.Tensor, Net]:
    return strokes(90, seed=seed).images, strokes(70, seed=seed + 1).images.flip(2), Net().eval().requires_grad_(False)


@given(seeds)
def test_the_frechet_distance_is_torchmetrics_fid_of_the_same_features(seed):
    real, drawn, net = two_sets(seed)
    theirs = FrechetInceptionDistance(feature=net)
    for part in real.split(40):
        theirs.update(part, real=True)
    theirs.update(drawn, real=False)
    assert frechet_distance(net(drawn), net(real)) == pytest.approx(theirs.compute().item(), rel=1e-3, abs=1e-5)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`:UserWarning")
@given(seeds)
def test_the_kernel_distance_is_torchmetrics_kid_of_the_same_features(seed):
    real, drawn, net = two_sets(seed)
    drawn = torch.cat([drawn, drawn[:20]])  # of one size: a subset is then the whole of both sets
    theirs = KernelInceptionDistance(feature=net, subsets=1, subset_size=90)
    theirs.update(real, real=True)
    theirs.update(drawn, real=False)
    ours, _ = kernel_distance(net(drawn), net(real), subsets=1, subset_size=90)
    assert ours == pytest.approx(theirs.compute()[0].item(), rel=1e-3, abs=1e-6)


@given(seeds, st.integers(1, 30), st.integers(1, 30))
def test_the_nearest_distances_are_scikit_learns(seed, n, m):
    x, y = _points(seed, n), _points(seed + 1, m)
    expected = pairwise_distances(x.double().numpy(), y.double().numpy()).min(1)
    assert nearest_distances(x, y).tolist() == pytest.approx(expected.tolist(), abs=1e-9)


@given(seeds)
def test_no_metric_knows_the_order_of_samples_or_of_the_reference(seed):
    x, y = _points(seed, 24).double(), 0.8 * _points(seed + 1, 20).double()
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    ids, vectors = torch.arange(24) % 5, _points(seed + 2, 5).double()

    def all_of(x, y, ids):
        return [
            frechet_distance(x, y),
            kernel_distance(x[:20], y, subsets=1)[0],
            precision(x, y),
            recall(x, y),
            *density_and_coverage(x, y),
            memorised_share(x, y, y.flip(1)),
            prototype_fidelity(x, vectors, ids, 2),
        ]

    order = torch.cat([order[order < 20], order[order >= 20]])  # the kernel distance takes sets of one size
    assert all_of(x[order], y.flip(0), ids[order]) == pytest.approx(all_of(x, y, ids), rel=1e-7, abs=1e-9)


def test_samples_of_two_gaussians_come_near_the_closed_form_between_them():
    generator = torch.Generator().manual_seed(0)
    mix = torch.tensor([[1.0, 0.5], [0.0, 2.0]], dtype=torch.float64)
    x = torch.randn(40_000, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(40_000, 2, generator=generator, dtype=torch.float64) @ mix + 1
    covariance = mix.T @ mix
    a, b, d = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    root_trace = (a + d + 2 * (a * d - b * b).sqrt()).sqrt()  # tr S^(1/2) of a 2 x 2 matrix
    expected = 2 + 2 + (a + d).item() - 2 * root_trace.item()
    assert frechet_distance(x, y) == pytest.approx(expected, rel=0.03)


def _points(seed: int, rows: int) -> torch.Tensor:
    return torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))
