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
    return studio.vocabulary(prototypes)


def test_a_prototype_is_found_by_its_name_its_tags_and_its_class(studio):
    words = changed(
        studio,
        ("rename", {"id": 2, "name": "Striped Thing 1"}),
        ("rename", {"id": 3, "name": "Thing 10"}),
        ("tag", {"id": 5, "tags": ["night", "blue"]}),
    )
    assert find(words, "striped") == find(words, "THING striped") == [2]
    assert find(words, "thing 1") == [2] and find(words, "thing 10") == [3]  # a number is that number
    assert find(words, "nig BLUE") == [5]
    for name in words.map.class_names:
        assert set(find(words, name)) >= {k for k in words.order if words.classes[k] == name}
    assert find(words, "no such thing") == find(words, "  ") == []


def test_names_that_are_or_begin_with_the_text_come_first(studio):
    words = changed(
        studio,
        ("tag", {"id": 0, "tags": ["zebra"]}),
        ("rename", {"id": 6, "name": "zebra stripes"}),
        ("rename", {"id": 4, "name": "Zebra"}),
    )
    assert find(words, "zebra") == [4, 6, 0]


def test_a_text_that_is_too_long_is_refused(studio):
    with pytest.raises(ValueError, match="find: expected at most 100 characters"):
        find(studio.vocabulary(), "x" * (MAX_TEXT + 1))


@given(st.text(max_size=MAX_TEXT))
def test_whatever_is_typed_finds_prototypes_of_the_set(studio, text):
    words = studio.vocabulary()
    assert set(find(words, text)) <= set(words.order)


def test_the_regions_of_the_classes_hold_every_labelled_image_once(studio):
    words = studio.vocabulary()
    parts = [region(words, key) for _, key in class_keys(words)]
    assert sorted(i for part in parts for i in part.images) == list(range(len(words.map)))
    assert sorted(k for part in parts for k in part.stars) == sorted(words.order)
    for (title, _), part in zip(class_keys(words), parts, strict=True):
        assert {studio.class_of(i) for i in part.images} == {title.removeprefix("All of ")}


def test_surroundings_are_the_star_its_nearest_and_the_images_that_are_theirs(studio):
    words = studio.vocabulary()
    part = region(words, "around 3")
    distances = torch.cdist(words.vectors([3]), words.vectors(words.prototypes.ids))[0]
    assert part.stars == distances.argsort()[:5].tolist() and part.stars[0] == 3
    assert part.images == [i for i, k in enumerate(words.nearest) if k in part.stars]


def test_a_region_can_be_moved_towards(studio):
    words = studio.vocabulary()
    vector = region_vector(words, "class 1")
    mean = words.map.features[words.map.labels == 1].mean(0)
    torch.testing.assert_close(vector, mean / mean.norm())
    assert {key for _, key in region_keys(words)} == {f"class {c}" for c in range(4)} | {
        f"around {k}" for k in range(8)
    }
    for key in ("class 9", "around 99", "", None, "class"):
        with pytest.raises(ValueError, match="region: expected a class of the map or a prototype"):
            region(words, key)
