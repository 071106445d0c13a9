"""What the server sends to the map: everything that is there, in few bytes."""

import base64
import json

import numpy as np
import pytest
import torch

from pdm.editing.edits import apply
from pdm.ui.components.map_view import map_base, map_state
from pdm.ui.map_probe import enlarged


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


@pytest.fixture
def moved(studio):
    prototypes, _ = apply(studio.base, "move", {"id": 2, "images": [0, 1, 2]}, studio.edit_context)
    return studio.shown_set(prototypes)


def test_every_dot_arrives_at_its_place_with_its_label_and_its_prototype(studio):
    base = map_base(studio)
    for axis, values in zip("xy", studio.map.xy.T, strict=True):
        low, high = base[f"{axis}range"]
        places = low + numbers(base[axis], "<u2") * ((high - low) / 65535)
        assert np.abs(places - values.numpy()).max() <= (high - low) / 65535
        assert low < values.min() and values.max() < high
    assert numbers(base["labels"], "<i2").tolist() == studio.map.labels.tolist()
    assert numbers(base["nearest"], "<i4").tolist() == studio.shown_set().nearest.tolist()


def test_after_an_edit_only_dots_with_another_nearest_prototype_are_sent(studio, moved):
    nearest = numbers(map_base(studio)["nearest"], "<i4").copy()
    sent = map_state(moved)["nearest"]
    rows, ids = numbers(sent["rows"], "<i4"), numbers(sent["ids"], "<i4")
    assert 0 < len(rows) < len(nearest) and (nearest[rows] != ids).all()
    nearest[rows] = ids
    assert nearest.tolist() == moved.nearest.tolist()
    assert map_state(studio.shown_set())["nearest"] == {"rows": "", "ids": ""}


def test_a_dot_takes_few_bytes_and_none_in_what_is_sent_at_each_edit(studio):
    large = studio.with_map(enlarged(studio.map, 10 * len(studio.map)))
    more = len(large.map) - len(studio.map)
    size = [len(json.dumps(map_base(s))) for s in (studio, large)]
    assert size[1] - size[0] < 14 * more
    state = [len(json.dumps(map_state(s.shown_set()))) for s in (studio, large)]
    assert abs(state[1] - state[0]) < 100


def test_copies_of_an_image_lie_beside_it_and_are_like_it(prototype_map):
    n = len(prototype_map)
    large = enlarged(prototype_map, 3 * n)
    assert len(large) == 3 * n and torch.equal(large.xy[:n], prototype_map.xy)
    shift = (large.xy.view(3, n, 2)[1:] - prototype_map.xy).norm(dim=-1)
    assert 0 < float(shift.min()) and float(shift.max()) < 0.5
    assert torch.equal(large.features[n:], prototype_map.features.repeat(2, 1))
    with pytest.raises(ValueError, match=f"^points: expected at least the map's {n}, got 5"):
        enlarged(prototype_map, 5)
