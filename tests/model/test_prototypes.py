"""Prototypes: the objectives against plain loops, assignments, and what the bank remembers of its data."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.config import PrototypeConfig
from pdm.model.features import ConvEncoder, contrastive_loss, unit
from pdm.model.prototypes import PrototypeBank, balanced_loss, paper_loss, prototype_loss, sinkhorn, supervised_loss
from tests.tiny import DIM


def make_bank(count: int = 6, seed: int = 0, **options) -> PrototypeBank:
    torch.manual_seed(seed)
    return PrototypeBank(image_size=16, count=count, dim=DIM, **options).eval().requires_grad_(False)


def features(n: int, seed: int = 1) -> torch.Tensor:
    return unit(torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed)))


def naive_cross_entropy(logits: list[float], target: int) -> float:
    return math.log(sum(math.exp(v) for v in logits)) - logits[target]


@pytest.mark.parametrize("supervised", [False, True])
def test_the_papers_loss_is_its_formula_in_loops(supervised):
    torch.manual_seed(0)
    z, p = torch.randn(5, 3).double(), torch.randn(4, 3).double()
    labels = [2, 0, 1, 1, 3]
    tau, alpha, beta = 1.7, 0.6, 0.3
    classification = compactness = separation = 0.0
    for i in range(5):
        d = [math.sqrt(sum((z[i, c] - p[k, c]).item() ** 2 for c in range(3))) for k in range(4)]
        target = labels[i] if supervised else d.index(min(d))
        classification += naive_cross_entropy([-tau * v for v in d], target) / 5
        compactness += sum((z[i, c] - p[target, c]).item() ** 2 for c in range(3)) / (5 * 3)
    for j in range(4):
        for k in range(4):
            cosine = (p[j] @ p[k] / (p[j].norm() * p[k].norm())).item()
            separation += (cosine - (j == k)) ** 2
    expected = classification + alpha * compactness + (0 if supervised else beta * separation)
    given_labels = torch.tensor(labels) if supervised else None
    ours = paper_loss(z, p, tau=tau, alpha=alpha, beta=beta, labels=given_labels)
    assert ours.item() == pytest.approx(expected, rel=1e-6)


@given(st.integers(2, 40), st.integers(2, 12), st.integers(0, 10_000))
def test_sinkhorn_gives_every_image_one_and_every_prototype_its_fair_share(batch, count, seed):
    scores = torch.rand(batch, count, generator=torch.Generator().manual_seed(seed)).double() * 2 - 1
    q = sinkhorn(scores, epsilon=0.5, iterations=300)
    torch.testing.assert_close(q.sum(1), torch.ones(batch).double())
    torch.testing.assert_close(q.sum(0), torch.full((count,), batch / count).double(), rtol=1e-3, atol=1e-4)


def test_sinkhorn_is_the_published_alternation_of_columns_and_rows():
    torch.manual_seed(0)
    scores = torch.rand(12, 5).double() * 2 - 1
    q = (scores / 0.2).exp()
    for _ in range(3):
        for k in range(5):
            q[:, k] *= (12 / 5) / q[:, k].sum()
        for b in range(12):
            q[b] /= q[b].sum()
    torch.testing.assert_close(sinkhorn(scores, epsilon=0.2), q)


def test_sinkhorn_survives_a_tiny_epsilon():
    q = sinkhorn(torch.rand(16, 4) * 2 - 1, epsilon=1e-3)
    assert torch.isfinite(q).all()
    torch.testing.assert_close(q.sum(1), torch.ones(16))


def test_the_balanced_loss_is_the_swapped_prediction_in_loops():
    z1, z2, p = features(8, 1).double(), features(8, 2).double(), 3 * torch.randn(5, DIM).double()
    s1, s2 = z1 @ unit(p).T, z2 @ unit(p).T
    q1, q2 = (sinkhorn(s.float(), 0.3) for s in (s1, s2))
    expected = 0.0
    for i in range(8):
        for q, s in ((q2, s1), (q1, s2)):  # the target of one view, the prediction of the other
            log_sum = math.log(sum(math.exp(v / 0.1) for v in s[i].tolist()))
            expected -= sum(q[i, k].item() * (s[i, k].item() / 0.1 - log_sum) for k in range(5)) / (2 * 8)
    assert balanced_loss(z1, z2, p, epsilon=0.3, temperature=0.1).item() == pytest.approx(expected, rel=1e-5)


def test_no_gradient_flows_through_the_balanced_targets():
    z1, z2, p = features(8, 1), features(8, 2), features(5, 3)
    q1, q2 = (sinkhorn(z @ p.T, 0.3) for z in (z1, z2))
    ours, fixed = p.clone().requires_grad_(), p.clone().requires_grad_()
    balanced_loss(z1, z2, ours, epsilon=0.3, temperature=0.1).backward()
    log_p = [torch.log_softmax(z @ unit(fixed).T / 0.1, 1) for z in (z1, z2)]
    (-0.5 * ((q2 * log_p[0]).sum(1) + (q1 * log_p[1]).sum(1)).mean()).backward()
    torch.testing.assert_close(ours.grad, fixed.grad)


def test_the_supervised_loss_scores_both_views_against_their_class():
    z1, z2, p, labels = features(4, 1), features(4, 2), 2 * torch.randn(3, DIM), [0, 2, 1, 2]
    expected = 0.0
    for z in (z1, z2):
        for i in range(4):
            logits = [(z[i] @ p[k] / p[k].norm() / 0.1).item() for k in range(3)]
            expected += naive_cross_entropy(logits, labels[i]) / 8
    ours = supervised_loss(z1, z2, p, torch.tensor(labels), temperature=0.1)
    assert ours.item() == pytest.approx(expected, rel=1e-4)


def test_the_configuration_chooses_the_objective():
    z1, z2, p, labels = features(6, 1), features(6, 2), features(4, 3), torch.tensor([0, 1, 2, 3, 0, 1])
    paper, balanced = PrototypeConfig(objective="paper", beta=0.5), PrototypeConfig()
    assert prototype_loss(paper, p, z1, z2, labels) == paper_loss(z1, p, beta=0.5)  # labels only when supervised
    clusters = balanced_loss(z1, z2, p, epsilon=0.05, temperature=0.1)
    images_apart = contrastive_loss(z1, z2)
    torch.testing.assert_close(prototype_loss(balanced, p, z1, z2, labels), clusters + 0.5 * images_apart)
    assert prototype_loss(PrototypeConfig(instance=0.0), p, z1, z2, labels) == clusters
    paper, balanced = (PrototypeConfig(objective=o, supervised=True) for o in ("paper", "balanced"))
    assert prototype_loss(paper, p, z1, z2, labels) == paper_loss(z1, p, labels=labels)
    assert prototype_loss(balanced, p, z1, z2, labels) == supervised_loss(z1, z2, p, labels, temperature=0.1)


def test_s_pdm_without_labels_and_unknown_objectives_are_refused():
    z = features(4)
    with pytest.raises(ValueError, match="needs class labels"):
        prototype_loss(PrototypeConfig(supervised=True), z, z, z, None)
    with pytest.raises(ValueError, match="objective: expected 'balanced' or 'paper', got 'kmeans'"):
        prototype_loss(PrototypeConfig(objective="kmeans"), z, z, z, None)


@given(st.permutations(range(6)), st.integers(0, 1000))
def test_permuting_prototypes_permutes_assignments(order, seed):
    bank, z = make_bank(), features(9, seed)
    ids, weights = bank.mixture(z)
    bank.vectors.copy_(bank.vectors[list(order)])
    new_ids, new_weights = bank.mixture(z)
    assert torch.equal(torch.tensor(order)[new_ids], ids)
    torch.testing.assert_close(new_weights, weights)


@given(st.integers(1, 8), st.floats(0.02, 3), st.integers(0, 1000))
def test_a_mixture_is_the_nearest_prototypes_with_softmax_weights_nearest_first(tokens, temperature, seed):
    bank, z = make_bank(tokens=tokens, weight_temperature=temperature), features(5, seed)
    ids, weights = bank.mixture(z)
    assert ids.shape == (5, min(tokens, 6))
    torch.testing.assert_close(weights.sum(1), torch.ones(5))
    for i in range(5):
        d = sorted((math.dist(z[i].tolist(), bank.vectors[k].tolist()), k) for k in range(6))[: ids.shape[1]]
        assert ids[i].tolist() == [k for _, k in d]
        e = [math.exp(-v / temperature) for v, _ in d]
        assert weights[i].tolist() == pytest.approx([v / sum(e) for v in e], rel=2e-3, abs=1e-5)


def test_features_are_on_the_sphere_only_when_the_bank_is_spherical():
    x = torch.randn(3, 1, 16, 16)
    torch.testing.assert_close(make_bank().encode(x).norm(dim=1), torch.ones(3))
    assert (make_bank(spherical=False).encode(x).norm(dim=1) - 1).abs().min() > 1e-3
    for spherical in (True, False):
        bank = make_bank(spherical=spherical)
        bank.vectors.mul_(3)
        bank.renormalise()
        assert torch.allclose(bank.vectors.norm(dim=1), torch.ones(6)) == spherical


def test_dead_prototypes_restart_on_features_and_living_ones_stay():
    bank, z = make_bank(4), features(20)
    before = bank.vectors.clone()
    usage = torch.tensor([0.5, 0.0, 0.024, 0.026])  # a tenth of the fair share is 0.025
    assert bank.restart_dead(z, usage, torch.Generator().manual_seed(0)) == 2
    assert torch.equal(bank.vectors[[0, 3]], before[[0, 3]])
    for k in (1, 2):
        assert (z == bank.vectors[k]).all(1).any()
    assert not torch.equal(bank.vectors[1], bank.vectors[2])
    assert usage.tolist() == pytest.approx([0.5, 0.25, 0.25, 0.026])


def test_recording_counts_usage_and_classes_and_keeps_real_assignments():
    bank, z = make_bank(class_names=("a", "b", "c")), features(60)
    labels = torch.arange(60) % 4 - 1  # a quarter has no label
    bank.record(z, labels, torch.Generator().manual_seed(0))
    nearest = [min(range(6), key=lambda k: math.dist(v.tolist(), bank.vectors[k].tolist())) for v in z]
    for k in range(6):
        assert bank.usage[k].item() == pytest.approx(nearest.count(k) / 60)
        for c in range(3):
            expected = sum(n == k and label == c for n, label in zip(nearest, labels.tolist(), strict=True))
            assert bank.class_counts[k, c].item() == expected
    ids, weights = bank.mixture(z)
    for row, row_weights in zip(*bank.table.rows(torch.arange(len(bank.table))), strict=True):
        same = (ids == row).all(1)
        assert same.any() and torch.isclose(weights[same], row_weights, atol=1 / 255).all(1).any()


def test_a_supervised_bank_records_the_class_as_the_prototype():
    bank, z = make_bank(3, class_names=("a", "b", "c"), supervised=True, tokens=1), features(30)
    bank.record(z, torch.arange(30) % 3, torch.Generator().manual_seed(0))
    assert bank.usage.tolist() == pytest.approx([1 / 3] * 3)
    assert torch.equal(bank.class_counts, 10 * torch.eye(3))
    assert (bank.table.rows(torch.arange(5))[1] == 1).all()


def test_names_are_the_majority_class_and_a_number_or_a_number_alone():
    bank = make_bank(3, class_names=("Bag", "Boot"))
    assert bank.names == ["Prototype 1", "Prototype 2", "Prototype 3"]
    bank.class_counts.copy_(torch.tensor([[1.0, 5.0], [7.0, 2.0], [0.0, 9.0]]))
    assert bank.names == ["Boot 1", "Bag 1", "Boot 2"]


def test_a_bank_reads_back_from_disk_bit_by_bit(tmp_path, bank):
    bank.save_pretrained(tmp_path)
    again = PrototypeBank.from_pretrained(tmp_path)
    assert again.names == bank.names
    for name, tensor in bank.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_energies_tell_textures_apart_that_normalisation_makes_alike():
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for energies, apart in ((False, False), (True, True)):
        torch.manual_seed(0)
        encoder = ConvEncoder(3, 16, energies=energies)
        torch.nn.init.zeros_(encoder.stages[0].bias)
        weak, strong = encoder(0.2 * x), encoder(x)  # the same picture with a fifth of the contrast
        assert ((weak - strong).norm() > 0.2 * strong.norm()) == apart
