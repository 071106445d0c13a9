"""The standard feature net on a stand-in for torch-fidelity's extractor: what it is given, and what is called FID."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from pdm.evaluation import inception
from pdm.evaluation.inception import InceptionNet, load_inception
from pdm.evaluation.references import References, cached_references
from pdm.metrics.frechet import frechet_distance
from pdm.results.shapes import STANDARD_NET
from tests.command_line import class_folders, done, refused
from tests.tiny import banded

URL = "https://example.invalid/weights-of-a-stand-in-0123abcd.pth"
DIM = 6


class Extractor(nn.Module):
    """As torch-fidelity's: uint8 (B, 3, H, W) to a tuple of the layers asked for; here a random projection."""

    def __init__(self, name: str, features_list: list[str]):
        super().__init__()
        assert features_list == [str(DIM)]
        torch.manual_seed(0)
        self.conv, self.fc = nn.Conv2d(3, DIM, 8, 8), nn.Linear(DIM, 9)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        assert x.dtype == torch.uint8 and x.shape[1] == 3
        return (self.conv((x.float() - 128) / 128).mean((2, 3)),)


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """torch-fidelity with the stand-in, its weights in torch's cache already."""
    module = SimpleNamespace(URL_INCEPTION_V3=URL, FeatureExtractorInceptionV3=Extractor)
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", module)
    monkeypatch.setattr(inception, "DIM", DIM)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = tmp_path / "hub" / "checkpoints" / URL.rpartition("/")[2]
    weights.parent.mkdir(parents=True)
    torch.save({"w": torch.zeros(2)}, weights)
    return weights


def test_grey_images_are_shown_as_colour_in_any_batch_and_others_are_refused(stand_in):
    net = load_inception()
    grey = banded().images[:10]
    features = net.features(grey)
    assert features.shape == (10, DIM) and features.dtype == torch.float32
    torch.testing.assert_close(net.features(grey.repeat(1, 3, 1, 1), batch=3), features)
    torch.testing.assert_close(features, net.extractor(grey.repeat(1, 3, 1, 1))[0].detach())
    for bad in (grey.float(), grey[:, 0], grey.repeat(1, 2, 1, 1)):
        with pytest.raises(ValueError, match=r"^images: expected uint8 \(N, 1 or 3, H, W\), got"):
            net.features(bad)


def test_its_scores_are_the_logits_without_bias(stand_in):
    net = load_inception()
    features = torch.randn(4, DIM)
    torch.testing.assert_close(net.scores(features), net.extractor.fc(features) - net.extractor.fc.bias)
    assert not any(p.requires_grad for p in net.parameters())


def test_its_references_have_a_file_of_their_own_in_the_cache(stand_in, tmp_path):
    net, train, test = load_inception(), banded(), banded(seed=1)
    first = cached_references(net, train, test, "train", tmp_path / "cache")
    again = cached_references(net, train, test, "train", tmp_path / "cache")
    assert torch.equal(first.train, again.train) and len(list((tmp_path / "cache").iterdir())) == 1
    other = InceptionNet(Extractor("", [str(DIM)]))
    nn.init.zeros_(other.extractor.conv.bias)
    cached_references(other, train, test, "train", tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_an_evaluation_calls_it_fid_and_keeps_the_key(stand_in, saved, tmp_path, capfd):
    data = class_folders(tmp_path / "data", per_class=6)
    evaluating = (
        "evaluate",
        "--model",
        saved,
        "--data",
        data,
        "--samples",
        20,
        "--steps",
        1,
        "--device",
        "cpu",
        "--cache",
        tmp_path / "cache",
        "--features",
        "inception",
    )
    done(capfd, *evaluating, "--out", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert result["feature_net"] == STANDARD_NET == "InceptionV3 (FID)" and result["quality"]["pdm"]["frechet"] > 0
    capfd.readouterr()
    from pdm.cli import main

    main([str(a) for a in (*evaluating, "--out", tmp_path / "out")])
    value = result["quality"]["pdm"]["frechet"]
    assert f"pdm: FID {value:.3f} (InceptionV3 (FID), 20 samples)" in capfd.readouterr().out
    said = refused(capfd, *evaluating, "--classifier", "c", "--out", tmp_path / "other")
    assert said == "--classifier: expected none beside --features inception, got c"


def test_without_the_package_one_line_says_which_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(ValueError, match="pip install torch-fidelity torchvision; got: ") as error:
        load_inception()
    assert "\n" not in str(error.value)


def test_weights_that_cannot_be_had_or_are_not_whole_are_named_in_a_line(stand_in):
    stand_in.write_bytes(stand_in.read_bytes()[:50])
    with pytest.raises(ValueError, match="^features: expected the weights of inception in .*, or a network") as error:
        load_inception()
    assert str(stand_in) in str(error.value) and "\n" not in str(error.value)


def test_a_distance_on_its_features_is_the_same_as_on_any_net_by_the_same_formula(stand_in):
    net, train, test = load_inception(), banded(), banded(seed=1)
    references = References.of(net, train, test)
    assert references.net.config.name == STANDARD_NET
    assert frechet_distance(net.features(train.images), references.train) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(references.test, references.train) > 0
