"""The feature net learns what can be learned, and is the same net after a save."""

from dataclasses import replace

import pytest
import torch

from pdm.evaluation.featurenet import FeatureNet, load_feature_net, save_feature_net, train_classifier
from tests.tiny import banded


def three_classes(seed: int = 0):
    """Top, bottom, side: classes that mirroring keeps."""
    data = banded(seed=seed)
    return replace(data, labels=data.labels.clamp(max=2), class_names=("top", "bottom", "side"))


@pytest.fixture(scope="module")
def net() -> FeatureNet:
    return train_classifier(three_classes(), epochs=6, batch_size=16)


def test_it_tells_apart_classes_it_was_trained_on_in_pictures_it_has_not_seen(net):
    torch.manual_seed(0)
    untrained = FeatureNet(classes=3).eval()
    assert net.accuracy(three_classes(seed=1)) > 0.9 > untrained.accuracy(three_classes(seed=1))


def test_it_says_what_it_is_and_reports_every_step():
    told = []
    net = train_classifier(
        three_classes(), epochs=2, batch_size=48, report=lambda step, of, loss: told.append((step, of, loss))
    )
    assert net.config.name == "banded-classifier" and net.config.classes == 3
    assert [t[:2] for t in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_features_are_what_the_scores_are_read_from_whatever_the_batch(net):
    images = three_classes().images[:10]
    features = net.features(images)
    with torch.no_grad():
        scores = net(images.float() / 127.5 - 1)[1]
    assert torch.allclose(net.head(features), scores, atol=1e-4)
    assert torch.allclose(net.features(images, batch=3), features, atol=1e-4)


def test_a_saved_net_gives_the_same_features_again_in_half_the_space(net, tmp_path):
    save_feature_net(net, tmp_path / "classifier", {"test_accuracy": 0.9})
    images = three_classes().images[:8]
    loaded = load_feature_net(tmp_path / "classifier")
    assert torch.allclose(loaded.features(images), net.features(images), atol=2e-3, rtol=2e-3)
    assert next(loaded.parameters()).dtype == torch.float32
    save_feature_net(loaded, tmp_path / "again", {})
    assert torch.equal(load_feature_net(tmp_path / "again").features(images), loaded.features(images))
    weights = (tmp_path / "again" / "diffusion_pytorch_model.safetensors").stat().st_size
    assert weights < 2.2 * sum(p.numel() for p in net.parameters())
    assert loaded.config.name == net.config.name
    assert (tmp_path / "classifier" / "card.json").is_file()


def test_a_folder_without_a_whole_net_is_refused_in_one_line(net, tmp_path):
    folder = tmp_path / "classifier"
    save_feature_net(net, folder, {})
    weights = folder / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    for bad in (folder, tmp_path / "missing", tmp_path):
        with pytest.raises(ValueError, match="expected a feature net") as caught:
            load_feature_net(bad)
        assert str(bad) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("shape, dtype", [((4, 3, 16, 16), torch.uint8), ((4, 1, 16, 16), torch.float32)])
def test_images_of_another_kind_are_refused(net, shape, dtype):
    with pytest.raises(ValueError, match=r"^images: expected uint8 \(N, 1, H, W\), got"):
        net.features(torch.zeros(shape, dtype=dtype))


def test_images_without_labels_cannot_train_it():
    data = three_classes()
    labels = data.labels.clone()
    labels[0] = -1
    for bad in (replace(data, labels=labels), replace(data, class_names=())):
        with pytest.raises(ValueError, match="expected a label for every image"):
            train_classifier(bad)


@pytest.mark.parametrize("epochs", range(1, 8))
def test_a_classifier_learns_in_any_number_of_steps(epochs):
    steps = []
    train_classifier(banded(2), epochs=epochs, report=lambda step, of, loss: steps.append((step, of)))
    assert steps == [(i + 1, epochs) for i in range(epochs)]
