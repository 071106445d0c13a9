"""The table of assignments: proper rows, each prototype with its share to within a row, small."""

import pytest
import torch

from pdm.model.assignments import TABLE_ROWS, AssignmentTable


def assignments(n: int, count: int, tokens: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(n, count, generator=generator) + torch.linspace(0, 1, count)  # some are far more frequent
    top = scores.topk(tokens)
    return top.indices, torch.softmax(4 * top.values, -1)


def recorded(n: int, count: int = 12, tokens: int = 4, seed: int = 0):
    table = AssignmentTable(tokens, count)
    ids, weights = assignments(n, count, tokens, seed)
    table.record(ids, weights, torch.Generator().manual_seed(seed))
    return table, ids, weights


@pytest.mark.parametrize("n", [3, 700, TABLE_ROWS, 20_000])
def test_every_prototype_and_pair_gets_its_share_to_within_a_row(n):
    table, ids, _ = recorded(n)
    rows, _ = table.rows(torch.arange(TABLE_ROWS))
    for columns in (1, 2):
        key = lambda t, columns=columns: (t[:, :columns] * torch.tensor([12, 1])[2 - columns :]).sum(1)  # noqa: E731
        expected = torch.bincount(key(ids), minlength=144) * TABLE_ROWS / n
        assert (torch.bincount(key(rows), minlength=144) - expected).abs().max() <= 1 + 1e-6


def test_rows_are_real_assignments_with_weights_to_a_255th():
    table, ids, weights = recorded(50)
    for row, mix in zip(*table.rows(torch.arange(0, TABLE_ROWS, 37)), strict=True):
        same = (ids == row).all(1)
        assert torch.isclose(weights[same], mix, atol=1 / 255).all(1).any()
        assert mix.sum().item() == pytest.approx(1)


def test_more_than_256_prototypes_keep_their_ids():
    table, ids, _ = recorded(5000, count=300)
    assert table.rows(torch.arange(TABLE_ROWS))[0].max() > 255
    assert set(table.ids.flatten().tolist()) <= set(ids.flatten().tolist())


def test_eight_tokens_take_sixteen_kilobytes():
    assert AssignmentTable(8, 64).nbytes == 16 * 1024


@pytest.mark.parametrize("kind", ["uniform", "one", "steep"])
def test_a_resampled_table_has_the_shares_asked_for_to_within_a_row(kind):
    table, _, _ = recorded(20_000)
    shares = {"uniform": torch.ones(12), "one": torch.eye(12)[4], "steep": torch.arange(12.0)}[kind]
    shares = shares / shares.sum()
    every = torch.arange(TABLE_ROWS)
    ids, weights = table.resampled(shares).rows(every)
    counts = torch.bincount(ids[:, 0], minlength=12)
    assert (counts - shares * TABLE_ROWS).abs().max() <= 1 + 1e-6
    before = {(tuple(i), tuple(w)) for i, w in zip(*(t.tolist() for t in table.rows(every)), strict=True)}
    alone = set(range(12)) - {i[0] for i, _ in before}
    rows = zip(ids.tolist(), weights.tolist(), strict=True)
    assert all((tuple(i), tuple(w)) in before for i, w in rows if i[0] not in alone)


def test_a_prototype_that_is_nearest_in_no_row_gets_rows_of_itself_alone():
    table = AssignmentTable(3, 6)
    table.record(torch.tensor([[0, 1, 2]]), torch.tensor([[0.5, 0.3, 0.2]]), torch.Generator())
    ids, weights = table.resampled(torch.full((6,), 1 / 6)).rows(torch.arange(TABLE_ROWS))
    assert torch.bincount(ids[:, 0]).tolist() == pytest.approx([TABLE_ROWS / 6] * 6, abs=1)
    absent = ids[:, 0] > 0
    assert (weights[absent] == torch.tensor([1.0, 0, 0])).all() and (weights[~absent][:, 1] > 0.2).all()
