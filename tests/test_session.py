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

from pdm.engine import Request
from pdm.ui.picture_grid import Item, pictures, sprite
from pdm.ui.session import MAX_BATCHES, Batch, Session


def batch(seed: int) -> Batch:
    images = np.full((2, 1, 4, 4), seed % 256, np.uint8)
    return Batch("tiny", Request(seed=seed, count=2), images, ((), ()), 1.0, 2.0)


picks = st.lists(st.integers(0, 20), max_size=6, unique=True)


@st.composite
def sessions(draw) -> Session:
    picked = draw(picks)
    weights = draw(st.lists(st.floats(0, 1), min_size=len(picked), max_size=len(picked)))
    return Session(picked=tuple(picked), weights=tuple(weights))


@given(sessions(), st.integers(0, 20))
def test_a_prototype_toggled_in_and_out_again_leaves_the_session_as_it_was(session, k):
    if k not in session.picked:
        assert session.toggled(k).toggled(k) == session


@given(sessions(), st.integers(0, 20))
def test_a_toggle_changes_one_prototype_and_no_other_weight(session, k):
    before, after = dict(zip(session.picked, session.weights, strict=True)), session.toggled(k)
    now = dict(zip(after.picked, after.weights, strict=True))
    assert (k in now) == (k not in before)
    assert {i: w for i, w in now.items() if i != k} == {i: w for i, w in before.items() if i != k}
    if k in now:
        assert now[k] == 1.0


def test_every_edit_returns_a_new_session_and_leaves_the_old_one():
    session = Session(picked=(3,), weights=(0.5,))
    edits = [session.toggled(7), session.toggled(3), session.mixed((1, 2), (0.5, 0.5)), session.made(batch(1))]
    assert session == Session(picked=(3,), weights=(0.5,))
    assert all(edit != session for edit in edits)
    with pytest.raises(FrozenInstanceError):
        session.picked = ()


def test_the_newest_batch_comes_first_and_is_shown():
    session = Session(shown=5).made(batch(1)).made(batch(2))
    assert [b.request.seed for b in session.batches] == [2, 1]
    assert session.shown == 0 and session.batch.request.seed == 2
    assert Session().batch is None


def test_the_history_forgets_the_oldest_batches_beyond_its_cap():
    session = Session()
    for seed in range(MAX_BATCHES + 3):
        session = session.made(batch(seed))
    assert [b.request.seed for b in session.batches] == list(range(MAX_BATCHES + 2, 2, -1))


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
