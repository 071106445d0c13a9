"""A memory's folder from a stranger: its card chooses no path, and its files are what it says."""

import json

import numpy as np
import pytest

from pdm.retrieval.large_memory import CARD, EMBEDDINGS, NEIGHBOURS, LargeMemory, write_rows

GOOD = {"version": 1, "entries": 60, "dim": 8, "digest": "0123456789abcdef", "encoder": "tiny"}


def folder_with(tmp_path, card=(), rows=None, neighbours=None):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 8)).astype(np.float16) if rows is None else rows
    write_rows(tmp_path, EMBEDDINGS, 0, rows)
    if neighbours is not None:
        write_rows(tmp_path, NEIGHBOURS, 0, neighbours)
    (tmp_path / CARD).write_text(json.dumps(GOOD | dict(card)))
    return tmp_path


def test_a_whole_folder_is_opened(tmp_path):
    assert len(LargeMemory(folder_with(tmp_path))) == 60


@pytest.mark.parametrize(
    ("card", "field"),
    [
        ({"digest": "../../../../tmp/elsewhere"}, "digest"),
        ({"digest": "/tmp/elsewhere/x"}, "digest"),
        ({"digest": "0123456789ABCDEF"}, "digest"),
        ({"digest": 5}, "digest"),
        ({"digest": "0123456789abcdef\n"}, "digest"),
        ({"entries": -1}, "entries"),
        ({"entries": 10**12}, "entries"),
        ({"entries": "60"}, "entries"),
        ({"dim": 0}, "dim"),
        ({"dim": 8.0}, "dim"),
        ({"encoder": 3}, "encoder"),
        ({"dim": 9}, "rows of 9 numbers"),
        ({"entries": 61}, "expected 61 embeddings"),
    ],
)
def test_a_card_that_says_something_impossible_is_refused(card, field, tmp_path):
    with pytest.raises(ValueError, match=field):
        LargeMemory(folder_with(tmp_path, card), "hnsw")
    assert not list(tmp_path.glob("*.faiss"))


@pytest.mark.parametrize(
    "rows",
    [np.zeros((60, 8), np.float32), np.zeros((60, 8, 1), np.float16), np.full((60, 8), np.nan, np.float16)],
)
def test_files_of_another_kind_or_with_nan_are_refused(rows, tmp_path):
    with pytest.raises(ValueError, match="memory .*: expected"):
        LargeMemory(folder_with(tmp_path, rows=rows), "exact").rows(0, 60)


@pytest.mark.parametrize("wrong", [-1, 60, 2**31 - 1])
def test_neighbours_that_are_no_entries_are_refused(wrong, tmp_path):
    folder = folder_with(tmp_path, neighbours=np.full((60, 2), wrong, np.int32))
    with pytest.raises(ValueError, match="neighbours from 0 to 59"):
        LargeMemory(folder).popularity  # noqa: B018
