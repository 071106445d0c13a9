"""A prototype set holds what the bank learned, is a value like any other, and can hold nothing that is no prototype."""

import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from pdm.editing.prototype_set import MAX_PROTOTYPES, Prototype, PrototypeSet, model_hash, vector_bytes
from pdm.model.prototypes import PrototypeBank
from tests.sets import HASH, MARKUP, brute_nearest, tiny_set, unit_rows


@pytest.fixture(scope="module")
def learned(bank) -> PrototypeSet:
    return PrototypeSet.of_bank(bank, "tiny", model_hash(bank))


# From a bank


def test_the_set_of_a_bank_holds_what_the_bank_learned_to_the_last_bit(bank, learned):
    assert learned.ids == learned.active == tuple(range(8)) and learned.next_id == 8 and learned.spherical
    assert list(learned.names) == bank.names and learned.dim == 16
    assert torch.equal(learned.vectors(), bank.vectors.detach())
    assert [p.usage for p in learned.prototypes] == bank.usage.tolist()
    assert [p.stands_for for p in learned.prototypes] == [(k,) for k in range(8)]


def test_class_names_of_any_kind_become_names_that_a_set_can_hold():
    classes = ("a\nb\u202e", "x" * 200, "", "\t")
    bank = PrototypeBank(count=5, dim=16, class_names=classes)
    bank.class_counts[torch.arange(5), torch.tensor([0, 1, 1, 2, 3])] = 1
    names = PrototypeSet.of_bank(bank, "m", HASH).names
    assert names == ("ab 1", "x" * 60, "x" * 58 + " 2", "1", "1 2")


def test_the_hash_is_of_encoder_and_vectors_and_of_nothing_else(bank):
    first = model_hash(bank)
    assert model_hash(copy.deepcopy(bank)) == first and len(first) == 16
    for change in ("table", "weight", "vector"):
        other = copy.deepcopy(bank)
        with torch.no_grad():
            if change == "table":
                other.table.ids.zero_()
                other.usage.zero_()
            elif change == "weight":
                next(other.encoder.parameters()).flatten()[0] += 1e-3
            else:
                other.vectors[3, 2] += 1e-3
        assert (model_hash(other) == first) == (change == "table"), change


# What it answers


def test_an_id_that_is_not_there_is_refused_with_those_that_are():
    some = replace(tiny_set(6), prototypes=tuple(p for p in tiny_set(6).prototypes if p.id != 3))
    assert some.get(4) is some.prototypes[3]
    for value, text in ((3, "3"), (-1, "-1"), (6, "6"), (True, "True"), ("1", "'1'"), (1.0, "1.0"), (None, "None")):
        with pytest.raises(ValueError) as error:
            some.get(value)
        assert str(error.value) == f"id: expected an id of this set (0 to 2, 4 to 5), got {text}"
    with pytest.raises(ValueError, match="^ids: expected"):
        some.vectors([0, 3])


def test_vectors_come_in_the_order_asked_for():
    some = tiny_set()
    assert torch.equal(some.vectors([4, 0, 4]), some.vectors()[[4, 0, 4]])
    assert some.vectors([]).shape == (0, 5)
    some.vectors().zero_()  # a copy: the set is not changed by what is done to it
    assert some == tiny_set()


@pytest.mark.parametrize("images", [7, 1200])
def test_distances_are_those_of_directions_on_the_sphere(images):
    some = tiny_set(9, 4)
    longer = replace(some.prototypes[2], vector=vector_bytes(3 * some.vectors([2])[0]))
    stretched = replace(some, prototypes=(*some.prototypes[:2], longer, *some.prototypes[3:]))
    z = 2 * torch.randn(images, 4, generator=torch.Generator().manual_seed(3))
    expected = brute_nearest(z.numpy()[:7], some.vectors().numpy())
    assert np.allclose(stretched.distances(z)[:7].numpy(), expected, atol=1e-3 if images > 1000 else 1e-6)
    plain = replace(stretched, spherical=False)
    flat = np.linalg.norm(z.numpy()[:7, None] - stretched.vectors().numpy()[None], axis=-1)
    assert np.allclose(plain.distances(z)[:7].numpy(), flat, atol=1e-3)
    assert (stretched.distances(some.vectors()).diagonal() < 1e-6).all()


def test_moved_is_how_far_each_prototype_that_both_sets_have_went():
    base = tiny_set(4, 3)
    turned = replace(base.prototypes[1], vector=vector_bytes(torch.tensor([0.0, 0, 2])))
    kept = (base.prototypes[0], turned, replace(base.prototypes[3], id=7))
    moved = replace(base, prototypes=kept, next_id=8).moved(base)
    assert moved.keys() == {0, 1} and moved[0] == 0
    assert moved[1] == pytest.approx((torch.tensor([0.0, 0, 1]) - base.vectors([1])[0]).norm().item(), abs=1e-6)


# A value


def test_a_set_survives_pickle_and_copy_and_is_hashable():
    some = tiny_set()
    digest = some.digest
    for again in (pickle.loads(pickle.dumps(some)), copy.deepcopy(some)):
        assert again == some and hash(again) == hash(some) and again.digest == digest
    assert replace(some) == some and replace(some).digest == digest


CHANGES = [
    {"name": "Other"},
    {"usage": 0.25},
    {"tags": ("dark",)},
    {"scale": 1.5},
    {"muted": True},
    {"stands_for": (0, 1)},
    {"vector": vector_bytes(torch.arange(5.0))},
]


@pytest.mark.parametrize("change", CHANGES, ids=[next(iter(c)) for c in CHANGES])
def test_the_digest_tells_apart_whatever_makes_or_names_a_picture(change):
    some = tiny_set()
    other = replace(some, prototypes=(replace(some.prototypes[0], **change), *some.prototypes[1:]))
    assert other.digest != some.digest and len(other.digest) == 16
    assert other != some


def test_the_digest_is_of_the_model_but_not_of_what_it_is_called():
    some = tiny_set()
    assert replace(some, model="elsewhere", next_id=99).digest == some.digest
    assert replace(some, model_hash=HASH[::-1]).digest != some.digest
    assert replace(some, spherical=False).digest != some.digest


# What no set can hold

VECTOR = vector_bytes(torch.ones(5))
REJECTED = [
    ("id", -1),
    ("id", True),
    ("id", 1.0),
    ("id", 2**70),
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 61),
    ("name", "a\nb"),
    ("name", "a\x00"),
    ("name", "a\u202eb"),
    ("name", None),
    ("name", 3),
    ("name", "\ud800"),
    ("vector", b""),
    ("vector", VECTOR[:-1]),
    ("vector", None),
    ("vector", bytes(20)),
    ("vector", bytes(4 * 4097)),
    ("vector", np.float32([1, math.nan]).tobytes()),
    ("vector", np.float32([1, math.inf]).tobytes()),
    ("vector", np.float32([3e38, 3e38]).tobytes()),
    ("vector", np.float32([1e-30, 0]).tobytes()),
    ("usage", -0.1),
    ("usage", 1.1),
    ("usage", math.nan),
    ("usage", True),
    ("usage", "1"),
    ("scale", -0.1),
    ("scale", 4.1),
    ("scale", math.inf),
    ("scale", None),
    ("muted", 1),
    ("muted", None),
    ("tags", "dark"),
    ("tags", ["x"] * 9),
    ("tags", ["x" * 25]),
    ("tags", [""]),
    ("tags", [3]),
    ("tags", ["a\tb"]),
    ("stands_for", [-1]),
    ("stands_for", [1, 1]),
    ("stands_for", [True]),
    ("stands_for", 3),
    ("stands_for", [2**15]),
]


@pytest.mark.parametrize("field, value", REJECTED)
def test_a_value_that_no_prototype_can_have_is_refused_in_one_line_by_its_field(field, value):
    good = {"id": 1, "name": "Bag", "vector": VECTOR, "usage": 0.5}
    with pytest.raises(ValueError, match=f"^{field}: expected .*, got .*$") as error:
        Prototype(**{**good, field: value})
    assert "\n" not in str(error.value) and len(str(error.value)) < 250


def test_names_and_tags_lose_the_space_around_them_and_markup_stays_text():
    p = Prototype(0, f"  {MARKUP} ", VECTOR, 1, [" dark ", "dark", "<i>"], 2, stands_for=[4])
    assert (p.name, p.tags, p.stands_for) == (MARKUP, ("dark", "<i>"), (4,))
    assert (p.usage, p.scale) == (1.0, 2.0) and isinstance(p.scale, float)


def test_a_set_that_cannot_be_is_refused_by_the_field_that_is_wrong():
    some = tiny_set()
    rows = some.prototypes
    wide = replace(rows[1], vector=vector_bytes(torch.ones(6)))
    many = tuple(replace(rows[0], id=k) for k in range(MAX_PROTOTYPES + 1))
    for field, change in (
        ("model", {"model": ""}),
        ("model", {"model": "a\nb"}),
        ("model", {"model": None}),
        ("model_hash", {"model_hash": "xyz"}),
        ("model_hash", {"model_hash": HASH + "0"}),
        ("prototypes", {"prototypes": ()}),
        ("prototypes", {"prototypes": many, "next_id": 2000}),
        ("ids", {"prototypes": (rows[0], rows[0])}),
        ("ids", {"prototypes": (rows[1], rows[0])}),
        ("next_id", {"next_id": 5}),
        ("next_id", {"next_id": 6.0}),
        ("next_id", {"next_id": 2**60}),
        ("vectors", {"prototypes": (rows[0], wide)}),
        ("muted", {"prototypes": tuple(replace(p, muted=True) for p in rows)}),
        ("spherical", {"spherical": 1}),
    ):
        with pytest.raises(ValueError, match=f"^{field}: expected .*, got "):
            replace(some, **change)


def test_vectors_of_every_kind_of_number_are_kept_as_float32():
    x = unit_rows(1, 6, 4)[0]
    assert vector_bytes(x) == vector_bytes(x.numpy()) == vector_bytes(x.double()) == x.numpy().astype("<f4").tobytes()
    assert vector_bytes(x.bfloat16()) == vector_bytes(x.bfloat16().float())
    assert vector_bytes(torch.arange(3)) == vector_bytes(np.float64([0, 1, 2]))
    for wrong in (x[None], torch.ones(5), np.array(["a"] * 6), np.array([None] * 6), x.numpy().astype(complex), 3.0):
        with pytest.raises(ValueError, match="^vector: expected 6 numbers, got shape "):
            vector_bytes(wrong, 6)
