"""A visitor's state is never changed in place, and picture grids show the very pixels."""

import base64
import io
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdm.app.requests import Request
from pdm.ui.components.picture_grid import Item, pictures, sprite
from pdm.ui.shared.session import MAX_BATCHES, Batch, BatchHistory, Picks


def batch(seed: int) -> Batch:
    images = np.full((2, 1, 4, 4), seed % 256, np.uint8)
    return Batch("tiny", Request(seed=seed, count=2), images, ((), ()), 1.0, 2.0)


prototypes = st.lists(st.integers(0, 20), max_size=6, unique=True)


@st.composite
def picks(draw) -> Picks:
    ids = draw(prototypes)
    weights = draw(st.lists(st.floats(0, 1), min_size=len(ids), max_size=len(ids)))
    return Picks(tuple(ids), tuple(weights))


@given(picks(), st.integers(0, 20))
def test_a_prototype_toggled_in_and_out_again_leaves_the_picks_as_they_were(picked, k):
    if k not in picked.ids:
        assert picked.toggled(k).toggled(k) == picked


@given(picks(), st.integers(0, 20))
def test_a_toggle_changes_one_prototype_and_no_other_weight(picked, k):
    before, after = dict(zip(picked.ids, picked.weights, strict=True)), picked.toggled(k)
    now = dict(zip(after.ids, after.weights, strict=True))
    assert (k in now) == (k not in before)
    assert {i: w for i, w in now.items() if i != k} == {i: w for i, w in before.items() if i != k}
    if k in now:
        assert now[k] == 1.0


def test_every_change_returns_a_new_state_and_leaves_the_old_one():
    picked, made = Picks((3,), (0.5,)), BatchHistory()
    assert picked.toggled(7) != picked != picked.toggled(3) and made.made(batch(1)) != made
    assert picked == Picks((3,), (0.5,)) and made == BatchHistory()
    with pytest.raises(FrozenInstanceError):
        picked.ids = ()


def test_the_newest_batch_comes_first_and_is_shown():
    made = BatchHistory(shown=5).made(batch(1)).made(batch(2))
    assert [b.request.seed for b in made.batches] == [2, 1]
    assert made.shown == 0 and made.batch.request.seed == 2
    assert BatchHistory().batch is None


def test_the_history_forgets_the_oldest_batches_beyond_its_cap():
    made = BatchHistory()
    for seed in range(MAX_BATCHES + 3):
        made = made.made(batch(seed))
    assert [b.request.seed for b in made.batches] == list(range(MAX_BATCHES + 2, 2, -1))


@given(st.integers(1, 20), st.sampled_from([1, 3]), st.integers(0, 1000))
def test_a_sprite_gives_every_picture_back_exactly(count, channels, seed):
    shape = (count, channels, 5, 4)
    images = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    url, columns, rows = sprite(images)
    head, _, data = url.partition(",")
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    assert head == "data:image/png;base64" and sheet.shape == (5 * rows, 4 * columns, 3) and columns <= 8
    for i, image in enumerate(images):
        y, x = 5 * (i // columns), 4 * (i % columns)
        assert np.array_equal(sheet[y : y + 5, x : x + 4], image.expand(3, -1, -1).permute(1, 2, 0).numpy())


def test_a_grid_leaves_out_what_an_item_does_not_say_but_keeps_zeros():
    value = pictures(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [Item(0, bar=0.0), Item(1, "Coat 1", colour="#fff")])
    assert value["items"] == [{"id": 0, "bar": 0.0}, {"id": 1, "title": "Coat 1", "colour": "#fff"}]
    assert value["selected"] == [] and (value["columns"], value["rows"]) == (2, 1)


def test_an_empty_grid_has_no_sheet():
    for nothing in (None, torch.zeros(0, 1, 4, 4, dtype=torch.uint8)):
        value = pictures(nothing, [], empty="Nothing yet.")
        assert value["sheet"] == "" and value["items"] == [] and value["empty"] == "Nothing yet."
