"""Reference features are computed once, for exactly these images and this net; a damaged cache does no harm."""

import os

import pytest
import torch

from pdm.evaluation.featurenet import FeatureNet
from pdm.evaluation.references import References, cached_references
from pdm.metrics.memorisation import copy_threshold
from tests.tiny import banded, tiny_feature_net

TEST = banded(seed=1)


def same(a: References, b: References) -> bool:
    tensors = torch.equal(a.train, b.train) and torch.equal(a.test, b.test)
    return tensors and (a.split, a.copy_threshold) == (b.split, b.copy_threshold)


def test_the_second_time_no_feature_is_computed_and_all_is_the_same(images, tmp_path, monkeypatch):
    net, left = tiny_feature_net(), tmp_path / ".references-a.safetensors.0123abcd.safetensors"
    left.write_text("")  # by a process that was killed
    os.utime(left, (0, 0))
    first = cached_references(net, images, TEST, "train", tmp_path)
    assert first.copy_threshold == copy_threshold(first.train, first.test)
    monkeypatch.setattr(FeatureNet, "features", None)
    assert same(cached_references(net, images, TEST, "train", tmp_path), first)
    other = cached_references(net, images, TEST, "test", tmp_path)
    assert torch.equal(other.features, first.test) and len(list(tmp_path.iterdir())) == 1


def test_another_net_other_images_and_another_version_have_files_of_their_own(images, tmp_path, monkeypatch):
    net = tiny_feature_net()
    calls = [(net, images, TEST), (tiny_feature_net(seed=1), images, TEST), (net, TEST, TEST), (net, images, images)]
    for call in calls:
        assert same(cached_references(*call, "train", tmp_path), References.of(*call))
    assert len(list(tmp_path.iterdir())) == 4
    monkeypatch.setattr("pdm.evaluation.references.VERSION", 99)
    cached_references(*calls[0], "train", tmp_path)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_damaged_cache_is_computed_again_with_one_line(images, tmp_path, capfd):
    net = tiny_feature_net()
    first = cached_references(net, images, TEST, "train", tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"x" * 100):
        path.write_bytes(damaged)
        capfd.readouterr()
        assert same(cached_references(net, images, TEST, "train", tmp_path), first)
        lines = capfd.readouterr().err.splitlines()
        assert len(lines) == 1 and lines[0].startswith(f"{path}: expected reference features, got: ")
        assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(images, tmp_path, capfd):
    file = tmp_path / "file"
    file.write_text("in the way")
    references = cached_references(tiny_feature_net(), images, TEST, "train", file / "cache")
    assert same(references, References.of(tiny_feature_net(), images, TEST))
    assert "are not kept for next time" in capfd.readouterr().err and file.read_text() == "in the way"


def test_a_part_is_always_the_same_rows_of_the_split_and_none_twice(images):
    references = References.of(tiny_feature_net(), images, TEST)
    part = references.part(30)
    assert torch.equal(part, references.part(30)) and torch.equal(part, references.part(60)[:30])
    rows = {tuple(row) for row in references.train.tolist()}
    assert {tuple(row) for row in part.tolist()} <= rows and len({tuple(row) for row in part.tolist()}) == 30
    assert len(references.part(10_000)) == 96


def test_a_split_that_is_none_is_refused(images):
    with pytest.raises(ValueError, match="^reference: expected 'train' or 'test', got 'validation'"):
        References.of(tiny_feature_net(), images, TEST, "validation")
