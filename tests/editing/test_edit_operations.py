"""The functions that edit: what each does to a set, that nothing else changes, and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm.editing import operations as edits
from pdm.editing.prototype_set import MAX_PROTOTYPES, MAX_SCALE, PrototypeSet
from tests.sets import MARKUP, names, numbers, tiny_context, tiny_set, unit_rows

BASE = tiny_set()
CONTEXT = tiny_context(BASE)


def untouched(before: PrototypeSet, after: PrototypeSet, *changed: int) -> bool:
    """All others are the very objects they were, shared and not copied."""
    return all(after.get(p.id) is p for p in before.prototypes if p.id not in changed)


# Vectors


@given(st.lists(numbers, min_size=5, max_size=5).filter(lambda v: np.linalg.norm(v) > 1e-3), st.integers(0, 5))
def test_moving_changes_one_vector_to_the_one_given_and_nothing_else(values, id):
    moved = edits.move(BASE, id, torch.tensor(values))
    assert moved.vectors([id])[0].tolist() == values
    assert untouched(BASE, moved, id) and replace(moved.get(id), vector=BASE.get(id).vector) == BASE.get(id)
    assert edits.move(moved, id, np.array(values)) is moved


@given(st.integers(0, 5), st.integers(0, 5), st.floats(0, 1))
def test_a_blend_is_the_straight_line_between_its_ends_and_exactly_them_at_both(a, b, t):
    for at, end in ((0, a), (1, b), (0.0, a), (1.0, b)):
        assert edits.blend(BASE, a, b, at).prototypes[-1].vector == BASE.get(end).vector
    x, y = BASE.vectors([a, b]).double()
    if (x + y).norm() < 1e-3:
        return
    blended = edits.blend(BASE, a, b, t)
    assert torch.allclose(blended.vectors([6])[0].double(), x + t * (y - x), atol=1e-6)
    assert untouched(BASE, blended) and blended.next_id == 7
    assert (blended.get(6).usage, blended.get(6).stands_for) == (0, ())


def test_a_blend_conditions_more_strongly_than_its_ends():
    current = edits.scale(BASE, 1, 2.0)
    scales = [edits.blend(current, 0, 1, t).prototypes[-1].scale for t in (0, 0.25, 1)]
    assert scales == pytest.approx([edits.BLENDED * s for s in (1, 1.25, 2)])
    assert edits.blend(edits.scale(current, 0, 4.0), 0, 1, 0.1).prototypes[-1].scale == MAX_SCALE


def test_a_blend_keeps_the_sign_of_a_zero_at_its_ends():
    signed = edits.move(edits.move(BASE, 0, np.array([1, -0.0, 0, -0.0, 0])), 1, np.array([-0.0, 1, -0.0, 0, 0]))
    for t, end in ((0, 0), (1, 1)):
        assert edits.blend(signed, 0, 1, t).prototypes[-1].vector == signed.get(end).vector


def test_an_analogy_is_the_first_less_the_second_and_the_third():
    x = BASE.vectors()
    result = edits.analogy(BASE, 3, 1, 4)
    assert torch.allclose(result.vectors([6])[0], x[3] - x[1] + x[4], atol=1e-6)
    assert result.get(6).name == "Bag 4 - Bag 2 + Bag 5" and untouched(BASE, result)
    assert edits.analogy(BASE, 3, 1, 1).vectors([6])[0].tolist() == pytest.approx(x[3].tolist(), abs=1e-6)


def test_a_duplicate_has_the_same_vector_and_stands_for_no_data():
    tagged = edits.tag(edits.scale(BASE, 2, 3), 2, ["dark"])
    copy = edits.duplicate(edits.mute(tagged, [2]), 2).prototypes[-1]
    assert copy.vector == BASE.get(2).vector and (copy.scale, copy.tags) == (3, ("dark",))
    assert (copy.id, copy.name, copy.usage, copy.stands_for, copy.muted) == (6, "Bag 3 copy", 0, (), False)


# Merge and split


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True))
def test_a_merge_is_the_mean_by_usage_and_takes_over_all_that_its_members_stood_for(ids):
    merged = edits.merge(BASE, ids)
    if len(ids) == 1:
        assert merged is BASE
        return
    usage = np.array([BASE.get(k).usage for k in ids])
    mean = (usage[:, None] * BASE.vectors(ids).numpy()).sum(0) / usage.sum()
    p = merged.prototypes[-1]
    assert np.allclose(merged.vectors([p.id])[0], mean, atol=1e-6) and p.usage == pytest.approx(usage.sum())
    assert p.id == 6 and p.stands_for == tuple(sorted(ids)) and set(merged.ids) == set(BASE.ids) - set(ids) | {6}
    assert untouched(BASE, merged, *ids)


def test_a_merge_keeps_scales_tags_and_mutes_as_far_as_its_members_agree():
    some = edits.tag(edits.tag(edits.scale(edits.scale(BASE, 0, 3), 1, 3), 0, ["a", "b"]), 1, ["b", "c"])
    p = edits.merge(edits.mute(some, [0]), [0, 1]).prototypes[-1]
    assert (p.scale, p.tags, p.muted) == (3.0, ("a", "b", "c"), False)
    assert edits.merge(edits.mute(some, [0, 1]), [0, 1]).prototypes[-1].muted
    u = [BASE.get(k).usage for k in (0, 2)]
    assert edits.merge(some, [0, 2]).prototypes[-1].scale == pytest.approx((3 * u[0] + u[1]) / sum(u))
    many = edits.tag(edits.tag(BASE, 0, [f"a{i}" for i in range(8)]), 1, ["z"])
    assert edits.merge(many, [0, 1]).prototypes[-1].tags == tuple(f"a{i}" for i in range(8))


def test_prototypes_that_nothing_uses_are_merged_at_their_plain_mean():
    added = edits.add(edits.add(BASE, torch.eye(5)[0]), torch.eye(5)[1])
    merged = edits.merge(added, [6, 7])
    assert merged.vectors([8])[0].tolist() == [0.5, 0.5, 0, 0, 0] and merged.get(8).usage == 0


@settings(max_examples=12)
@given(st.integers(0, 5), st.integers(2, 5), st.integers(0, 99))
def test_splitting_and_merging_again_is_the_centroid_of_its_images(id, n, seed):
    features = unit_rows(30, 5, seed) + 2 * BASE.vectors([id])
    parts = edits.split(BASE, id, n, features)
    children = [p for p in parts.prototypes if p.id >= 6]
    assert len(children) == n and id not in parts.ids and untouched(BASE, parts, id)
    assert all(p.stands_for == (id,) for p in children)
    assert sum(p.usage for p in children) == pytest.approx(BASE.get(id).usage)
    assert [p.usage for p in children] == sorted((p.usage for p in children), reverse=True)
    merged = edits.merge(parts, [p.id for p in children])
    centroid = features.double().mean(0)
    assert torch.allclose(merged.vectors([merged.ids[-1]])[0].double(), centroid, atol=1e-6)
    assert merged.prototypes[-1].usage == pytest.approx(BASE.get(id).usage)
    assert merged.prototypes[-1].stands_for == (id,)


def test_a_split_finds_the_groups_that_are_there_each_time_alike():
    groups = torch.eye(5)[[0] * 5 + [1] * 3 + [2] * 2] + 0.01 * torch.randn(10, 5, generator=torch.Generator())
    parts = edits.split(BASE, 2, 3, groups)
    assert parts == edits.split(BASE, 2, 3, groups.numpy())
    assert parts.vectors(parts.ids[-3:]).argmax(1).tolist() == [0, 1, 2]  # the largest group first
    assert [p.usage / BASE.get(2).usage for p in parts.prototypes[-3:]] == pytest.approx([0.5, 0.3, 0.2])
    assert parts.names[-3:] == ("Bag 3 a", "Bag 3 b", "Bag 3 c")


def test_own_features_are_those_that_lie_nearest():
    nearest = torch.cdist(CONTEXT.features, BASE.vectors()).argmin(1)
    for k in BASE.ids:
        assert torch.equal(edits.own_features(BASE, k, CONTEXT.features), CONTEXT.features[nearest == k])
    without = edits.remove(BASE, [0])
    assert len(edits.own_features(without, 3, CONTEXT.features)) >= int((nearest == 3).sum())


# Places on the map


def test_a_points_vector_is_the_mean_of_its_nearest_images_weighted_by_their_distance():
    point = [2.0, -1.0]
    order = sorted(range(60), key=lambda i: math.dist(CONTEXT.xy[i].tolist(), point))[:4]
    weights = [1 / math.dist(CONTEXT.xy[i].tolist(), point) for i in order]
    mean = sum(w * CONTEXT.features[i].double() for w, i in zip(weights, order, strict=True)) / sum(weights)
    got = edits.point_vector(CONTEXT.xy, CONTEXT.features, point, k=4)
    assert torch.allclose(got, mean, atol=1e-5)
    on_an_image = edits.point_vector(CONTEXT.xy, CONTEXT.features, CONTEXT.xy[7])
    assert torch.allclose(on_an_image, CONTEXT.features[7].double(), atol=1e-3)
    assert edits.point_vector(CONTEXT.xy[:3], CONTEXT.features[:3], point).shape == (5,)


# Which there are, and which are heard


def test_removing_and_muting_leave_at_least_one_that_is_heard():
    assert edits.remove(BASE, [1, 3]).ids == (0, 2, 4, 5)
    quiet = edits.mute(BASE, [0, 1, 2, 3])
    assert quiet.active == (4, 5) and quiet.ids == BASE.ids and untouched(BASE, quiet, 0, 1, 2, 3)
    assert edits.mute(quiet, [0, 1, 2, 3], False) == BASE and edits.mute(quiet, [0]) is quiet
    for refused in (
        lambda: edits.remove(BASE, list(BASE.ids)),
        lambda: edits.remove(quiet, [4, 5]),
        lambda: edits.mute(BASE, list(BASE.ids)),
        lambda: edits.mute(quiet, [5, 4]),
    ):
        with pytest.raises(ValueError, match="^ids: expected to leave a prototype that is not muted, got all "):
            refused()
    alone = edits.remove(BASE, [1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="^ids: expected to leave"):
        edits.remove(alone, [0])


def test_solo_mutes_all_others_and_brings_its_own_back():
    only = edits.solo(BASE, [1, 4])
    assert only.active == (1, 4) and edits.solo(only, [4, 1]) is only
    assert edits.solo(only, [0]).active == (0,) and edits.solo(only, list(BASE.ids)) == BASE


def test_reset_brings_back_one_some_or_all_as_they_were():
    changed = edits.rename(edits.move(edits.scale(BASE, 1, 2), 2, torch.ones(5)), 3, "Mine")
    changed = edits.add(edits.remove(changed, [4]), torch.ones(5))
    one = edits.reset(changed, BASE, [2])
    assert one.get(2) == BASE.get(2) and untouched(changed, one, 2)
    assert edits.reset(one, BASE, [2]) is one
    back = edits.reset(changed, BASE, [4, 1])
    assert back.ids == (0, 1, 2, 3, 4, 5, 6) and back.get(4) == BASE.get(4) and back.get(1) == BASE.get(1)
    assert back.get(6) == changed.get(6)
    everything = edits.reset(changed, BASE)
    assert everything.prototypes == BASE.prototypes and everything.next_id == 7  # ids are not used twice
    assert edits.reset(edits.remove(BASE, [4]), BASE, [4]) == BASE
    with pytest.raises(ValueError, match=r"^ids: expected an id of this set \(0 to 5\), got 6"):
        edits.reset(changed, BASE, [6])


def test_a_prototype_that_comes_back_takes_its_rows_and_its_share_from_those_that_had_them():
    merged = edits.merge(BASE, [1, 3])
    back = edits.reset(merged, BASE, [3])
    assert back.get(6).stands_for == (1,) and back.get(6).usage == pytest.approx(BASE.get(1).usage)
    assert sum(p.usage for p in back.prototypes) == pytest.approx(1)
    parts = edits.split(BASE, 2, 2, unit_rows(9, 5, 5))
    back = edits.reset(parts, BASE, [2])
    assert [(p.usage, p.stands_for) for p in back.prototypes[-2:]] == [(0, ()), (0, ())]
    assert back.get(2) == BASE.get(2)
    moved = edits.move(parts, 6, torch.ones(5))
    assert edits.reset(moved, BASE, [0]) is moved  # nothing came back, so nothing is taken


# Names


@given(st.lists(st.sampled_from(["Bag 1", "Bag 2", "x" * 60, "x" * 58 + " 2", MARKUP]), min_size=6, max_size=6))
def test_names_that_edits_give_are_new_and_short_enough(wanted):
    current = BASE
    for k, name in enumerate(wanted):
        current = edits.rename(current, k, name)
    for _ in range(3):
        made = [edits.blend(current, 0, 1, 0.5), edits.duplicate(current, 0), edits.merge(current, [0, 1, 2])]
        made += [edits.add(current, torch.ones(5)), edits.split(current, 0, 4, unit_rows(12, 5, 1))]
        for result in made:
            fresh = [p.name for p in result.prototypes if p.id >= current.next_id]
            kept = [p.name for p in result.prototypes if p.id < current.next_id]
            assert len(set(fresh)) == len(fresh) and not set(fresh) & set(kept)
            assert all(1 <= len(name) <= 60 for name in fresh)
        current = edits.duplicate(made[0], 0)


def test_the_names_that_edits_give():
    def newest(result: PrototypeSet) -> str:
        return result.names[-1]

    assert newest(edits.blend(BASE, 0, 3, 0.5)) == "Bag 1 + Bag 4"
    assert newest(edits.blend(edits.blend(BASE, 0, 3, 0.5), 0, 3, 0.2)) == "Bag 1 + Bag 4 2"
    assert newest(edits.blend(BASE, 0, 3, 0.5, "Mine ")) == "Mine"
    assert newest(edits.merge(BASE, [2, 1])) == "Bag 3 + Bag 2"
    assert newest(edits.merge(BASE, [2, 1, 0, 3])) == "Bag 3 + 3 more"
    assert newest(edits.add(BASE, torch.ones(5))) == "New 1"
    assert newest(edits.add(edits.add(BASE, torch.ones(5)), torch.ones(5))) == "New 2"
    assert newest(edits.duplicate(edits.duplicate(BASE, 0), 0)) == "Bag 1 copy 2"
    assert newest(edits.split(edits.rename(BASE, 1, "y" * 60), 1, 2, unit_rows(9, 5, 1))) == "y" * 58 + " b"


@given(names, st.integers(0, 5))
def test_a_name_is_kept_letter_by_letter_markup_and_all(name, id):
    renamed = edits.rename(BASE, id, f" {name} ")
    assert renamed.get(id).name == name and untouched(BASE, renamed, id)
    assert edits.rename(renamed, id, name) is renamed


# What is refused


@pytest.mark.parametrize(
    "vector", [torch.ones(4), torch.ones(1, 5), torch.tensor([1.0, 1, 1, 1, math.nan]), np.zeros(5)]
)
def test_vectors_that_fit_nowhere_are_refused(vector):
    for edit in (lambda: edits.add(BASE, vector), lambda: edits.move(BASE, 1, vector)):
        with pytest.raises(ValueError, match="^vector: expected .*, got "):
            edit()


def test_a_split_needs_as_many_different_images_as_parts_and_features_that_fit():
    with pytest.raises(ValueError, match="^n: expected at most the number of images that Bag 3 has, 1, got 2"):
        edits.split(BASE, 2, 2, torch.ones(7, 5))
    with pytest.raises(ValueError, match="^n: expected at most .*, 0, got 2"):
        edits.split(BASE, 2, 2, torch.ones(0, 5))
    for wrong in (torch.ones(9, 4), torch.ones(9), torch.full((9, 5), math.nan)):
        with pytest.raises(ValueError, match="^features: expected "):
            edits.split(BASE, 2, 2, wrong)


def test_a_set_takes_512_prototypes_and_no_more():
    full = tiny_set(MAX_PROTOTYPES - 1, 3)
    full = edits.add(full, torch.ones(3))
    for edit in (
        lambda: edits.add(full, torch.ones(3)),
        lambda: edits.duplicate(full, 3),
        lambda: edits.blend(full, 0, 1, 0.5),
        lambda: edits.split(full, 0, 2, unit_rows(9, 3, 1)),
    ):
        with pytest.raises(ValueError, match="^prototypes: expected 1 to 512, got 513"):
            edit()
    assert len(edits.merge(full, list(range(8))).ids) == 505
