"""Cards of the models: pictures of each map and what was trained on, without any model loaded."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pdm.map.projection import save_map
from pdm.support.files import write_json
from pdm.ui.components.model_cards import cards, seen, strip


def test_a_strip_is_the_first_pictures_of_the_map(prototype_map, tmp_path):
    save_map(prototype_map, tmp_path / "map")
    head, data = strip(tmp_path / "map").split(",")
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    expected = np.concatenate(list(prototype_map.images[:4, 0].numpy()), 1)
    assert head == "data:image/png;base64" and np.array_equal(found, expected)


def test_every_model_has_a_card_and_a_missing_map_no_pictures(prototype_map, tmp_path):
    save_map(prototype_map, tmp_path / "eurosat" / "map", lossy=True)
    library = SimpleNamespace(names=["eurosat", "mine"], assets=tmp_path)
    value = cards(library, "mine")
    assert [(m["name"], m["title"], bool(m["strip"])) for m in value["models"]] == [
        ("eurosat", "EuroSAT", True),
        ("mine", "mine", False),
    ]
    assert value["chosen"] == "mine"


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"images_seen": 320000}, "Trained on 320,000 images (repeats counted)"),
        # Of the net, not its student.
        ({"images_seen": 64, "teacher": {"images_seen": 756096}}, "Trained on 756,096 images (repeats counted)"),
        ({"preset": "pdm"}, ""),
        ({"images_seen": "many"}, ""),
        (["images_seen"], ""),
        (None, ""),
    ],
)
def test_a_card_says_how_long_its_model_was_trained_where_that_is_known(card, words, tmp_path):
    if card is not None:
        write_json(tmp_path / "training_card.json", card)
    assert seen(tmp_path) == words
