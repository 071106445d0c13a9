"""Pictures the model made where images would be: drawn as its samples are, classed by their prototypes."""

import shutil

import torch

from pdm.evaluation.drawing import Sampling, Variant, draw
from pdm.map.generated import classes_of, generated_data
from pdm.map.projection import load_map
from pdm.model.encoders import embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.card import CARD
from tests.command_line import done, refused
from tests.tiny import CLASSES, SIZE


def test_generated_data_is_the_models_own_samples(pdm_pipeline):
    made = generated_data(pdm_pipeline, 12, seed=5, name="tiny")
    assert torch.equal(made.images, draw(pdm_pipeline, Sampling(samples=12, seed=5), Variant("pdm"), quiet=True))
    assert (made.name, made.class_names) == ("tiny", CLASSES)
    assert torch.equal(made.labels, classes_of(pdm_pipeline.bank, made.images))


def test_a_picture_has_the_class_of_most_images_of_its_nearest_prototype(images, bank):
    z = embed_all(bank.encode, images.images)
    nearest = torch.cdist(z, bank.vectors).argmin(1)
    expected = torch.stack([images.labels[nearest == k].bincount(minlength=4).argmax() for k in nearest])
    assert torch.equal(classes_of(bank, images.images), expected)
    unlabelled = PrototypeBank(channels=1, image_size=SIZE, count=8, dim=16)
    assert (classes_of(unlabelled, images.images) == -1).all()


def test_the_command_makes_a_map_of_generated_pictures(saved, tmp_path, capfd, quick_umap):
    line = done(capfd, "map", "--model", saved, "--generated", 20, "--out", tmp_path / "map")
    found = load_map(tmp_path / "map")
    assert "20 generated pictures" in line
    assert found.generated and len(found) == 20 and found.data_set == "tiny" and found.class_names == CLASSES


def test_a_generated_map_bears_the_name_of_the_data_set_that_was_trained_on(saved, tmp_path, capfd, quick_umap):
    pipeline = tmp_path / "pipeline"
    shutil.copytree(saved / "pdm", pipeline)
    (pipeline / CARD).write_text('{"data_set": "tiles"}')
    done(capfd, "map", "--model", pipeline, "--generated", 20, "--out", tmp_path / "map")
    assert load_map(tmp_path / "map").data_set == "tiles"


def test_a_map_is_of_images_or_of_generated_pictures(saved, pictures, tmp_path, capfd):
    for option in (("--data", pictures), ("--count", 50)):
        arguments = ("map", "--model", saved, "--generated", 20, *option, "--out", tmp_path / "map")
        assert "--generated: expected it without --data and --count" in refused(capfd, *arguments)
    assert not (tmp_path / "map").exists()
