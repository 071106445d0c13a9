"""Finding prototypes by words, and parts of the map by their name."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.app.find import MAX_TEXT, find
from pdm.app.regions import class_keys, region, region_keys, region_vector
from pdm.editing.edits import apply


def changed(studio, *edits):
    prototypes = studio.base
    for operation, arguments in edits:
        prototypes = apply(prototypes, operation, arguments, studio.edit_context)[0]
    return studio.shown_set(prototypes)


def test_a_prototype_is_found_by_its_name_its_tags_and_its_class(studio):
    shown_set = changed(
        studio,
        ("rename", {"id": 2, "name": "Striped Thing 1"}),
        ("rename", {"id": 3, "name": "Thing 10"}),
        ("tag", {"id": 5, "tags": ["night", "blue"]}),
    )
    assert find(shown_set, "striped") == find(shown_set, "THING striped") == [2]
    assert find(shown_set, "thing 1") == [2] and find(shown_set, "thing 10") == [3]  # a number is that number
    assert find(shown_set, "nig BLUE") == [5]
    for name in shown_set.map.class_names:
        assert set(find(shown_set, name)) >= {k for k in shown_set.order if shown_set.classes[k] == name}
    assert find(shown_set, "no such thing") == find(shown_set, "  ") == []


def test_names_that_are_or_begin_with_the_text_come_first(studio):
    shown_set = changed(
        studio,
        ("tag", {"id": 0, "tags": ["zebra"]}),
        ("rename", {"id": 6, "name": "zebra stripes"}),
        ("rename", {"id": 4, "name": "Zebra"}),
    )
    assert find(shown_set, "zebra") == [4, 6, 0]


def test_a_text_that_is_too_long_is_refused(studio):
    with pytest.raises(ValueError, match="find: expected at most 100 characters"):
        find(studio.shown_set(), "x" * (MAX_TEXT + 1))


@given(st.text(max_size=MAX_TEXT))
def test_whatever_is_typed_finds_prototypes_of_the_set(studio, text):
    shown_set = studio.shown_set()
    assert set(find(shown_set, text)) <= set(shown_set.order)


def test_the_regions_of_the_classes_hold_every_labelled_image_once(studio):
    shown_set = studio.shown_set()
    parts = [region(shown_set, key) for _, key in class_keys(shown_set)]
    assert sorted(i for part in parts for i in part.images) == list(range(len(shown_set.map)))
    assert sorted(k for part in parts for k in part.stars) == sorted(shown_set.order)
    for (title, _), part in zip(class_keys(shown_set), parts, strict=True):
        assert {studio.class_of(i) for i in part.images} == {title.removeprefix("All of ")}


def test_surroundings_are_the_star_its_nearest_and_the_images_that_are_theirs(studio):
    shown_set = studio.shown_set()
    part = region(shown_set, "around 3")
    distances = torch.cdist(shown_set.vectors([3]), shown_set.vectors(shown_set.prototypes.ids))[0]
    assert part.stars == distances.argsort()[:5].tolist() and part.stars[0] == 3
    assert part.images == [i for i, k in enumerate(shown_set.nearest) if k in part.stars]


def test_a_region_can_be_moved_towards(studio):
    shown_set = studio.shown_set()
    vector = region_vector(shown_set, "class 1")
    mean = shown_set.map.features[shown_set.map.labels == 1].mean(0)
    torch.testing.assert_close(vector, mean / mean.norm())
    assert {key for _, key in region_keys(shown_set)} == {f"class {c}" for c in range(4)} | {
        f"around {k}" for k in range(8)
    }
    for key in ("class 9", "around 99", "", None, "class"):
        with pytest.raises(ValueError, match="region: expected a class of the map or a prototype"):
            region(shown_set, key)
