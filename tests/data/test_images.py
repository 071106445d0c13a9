"""Data from every kind of source, and each way a source can be wrong."""

import gzip
import struct

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from pdm.data import fashion_mnist
from pdm.data import images as data
from pdm.data.images import ImageData, from_pil, to_bytes, to_pil, to_unit
from pdm.data.load import load
from tests.tiny import banded

MODES = ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16", "RGBX"]
SIDES = st.integers(1, 40)


def save(path, size=(16, 16), colour=128, mode="L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


# Pixels


def test_bytes_to_unit_and_back_is_the_identity_and_the_ends_are_minus_one_and_one():
    x = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_unit(x)), x)
    assert to_unit(x)[[0, 255]].tolist() == [-1, 1]


@given(st.floats(-3, 3))
def test_to_bytes_rounds_to_the_nearest_and_clips(value):
    expected = min(max((value + 1) * 127.5, 0), 255)
    assert abs(to_bytes(torch.tensor([value])).item() - expected) <= 0.5 + 1e-4


@given(st.sampled_from(MODES), SIDES, SIDES, st.sampled_from([1, 3]), st.sampled_from([8, 32]))
def test_a_picture_of_any_mode_and_size_becomes_a_square_of_bytes(mode, width, height, channels, size):
    assume((width, height, size) != (28, 28, 32))  # these get a black border, as Fashion-MNIST does
    out = from_pil(Image.new(mode, (width, height)), size, channels)
    assert out.shape == (channels, size, size) and out.dtype == torch.uint8
    assert (out == out[:, :1, :1]).all()  # one colour stays one colour: no border, no ringing


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_colours_survive_and_become_grey_by_their_luma(r, g, b):
    picture = Image.new("RGB", (5, 9), (r, g, b))
    assert from_pil(picture, 8, 3)[:, 3, 3].tolist() == [r, g, b]
    assert abs(from_pil(picture, 8, 1)[0, 3, 3].item() - (0.299 * r + 0.587 * g + 0.114 * b)) <= 1


@pytest.mark.parametrize("value", [0, 200, 20_000, 65_535])
def test_sixteen_bit_grey_keeps_its_tone(value):
    picture = Image.fromarray(np.full((8, 8), value, np.uint16))
    assert picture.mode == "I;16"
    assert abs(from_pil(picture, 8, 1)[0, 0, 0].item() - value / 257) <= 1


def test_transparent_pixels_are_black_and_half_transparent_ones_half_as_bright():
    for alpha, expected in ((0, 0), (128, 100), (255, 200)):
        for mode, colour in (("RGBA", (200, 200, 200, alpha)), ("LA", (200, alpha))):
            assert abs(from_pil(Image.new(mode, (8, 8), colour), 8, 1).float().mean().item() - expected) <= 1


def test_the_centre_of_a_long_picture_is_kept():
    wide = Image.new("L", (30, 10))
    wide.paste(255, (10, 0, 20, 10))
    tall = wide.transpose(Image.Transpose.ROTATE_90)
    assert (from_pil(wide, 10, 1) == 255).all() and (from_pil(tall, 10, 1) == 255).all()


def test_a_28_pixel_picture_is_padded_to_32_like_fashion_mnist_itself():
    out = from_pil(Image.new("L", (28, 28), 255), 32, 1)[0]
    assert (out[2:-2, 2:-2] == 255).all() and out.float().sum() == 255 * 28**2


def test_an_image_comes_back_from_pil_as_it_went():
    for channels in (1, 3):
        x = torch.randint(0, 256, (channels, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        assert torch.equal(from_pil(to_pil(x), 16, channels), x)


def test_a_huge_image_is_refused_by_its_size(monkeypatch):
    monkeypatch.setattr(data, "MAX_PIXELS", 100)
    assert from_pil(Image.new("L", (10, 10)), 8, 1).shape == (1, 8, 8)
    with pytest.raises(ValueError, match="image: expected at most 100 pixels, got 11x10"):
        from_pil(Image.new("L", (11, 10)), 8, 1)


# ImageData


def test_the_hash_names_pixels_labels_and_shape():
    base = banded(2)
    assert base.hash() == banded(2).hash() == ImageData("other name", base.images, base.labels, ()).hash()
    brighter, relabelled = base.images.clone(), base.labels.clone()
    brighter[3, 0, 5, 5] += 1
    relabelled[0] += 1
    reshaped = base.images.reshape(len(base), 1, 8, 32)
    others = [(brighter, base.labels), (base.images, relabelled), (reshaped, base.labels)]
    assert len({base.hash(), *(ImageData("", i, labels, ()).hash() for i, labels in others)}) == 4


def test_a_subset_takes_images_and_labels_of_the_same_rows():
    base = banded(3)
    part = base.subset(torch.tensor([7, 2]))
    assert torch.equal(part.images, base.images[[7, 2]]) and torch.equal(part.labels, base.labels[[7, 2]])
    assert len(base.subset(slice(5))) == 5


# Class folders


def test_class_folders_give_labels_by_the_folders_name(tmp_path):
    for name, colour in (("cat", 50), ("dog", 200)):
        for i in range(3):
            save(tmp_path / name / f"{i}.png", colour=colour)
    (tmp_path / "dog" / "notes.txt").write_text("not a picture, and not called one")
    found = load(str(tmp_path), size=16)
    assert found.class_names == ("cat", "dog") and found.images.shape == (6, 1, 16, 16)
    for image, label in zip(found.images, found.labels.tolist(), strict=True):
        assert (image == (50, 200)[label]).all()
    assert len(load(str(tmp_path), size=16, limit=4)) == 4


def test_class_folders_come_in_one_fixed_mixed_order(tmp_path):
    for name in ("cat", "dog"):
        for i in range(12):
            save(tmp_path / name / f"{i}.png")
    labels = load(str(tmp_path), size=8).labels.tolist()
    assert labels == load(str(tmp_path), size=8).labels.tolist()
    assert set(labels[:12]) == {0, 1}


def test_class_folders_below_a_folder_a_split_are_not_mixed(tmp_path):
    for split, colour in (("train", 50), ("test", 200)):
        for i in range(2):
            save(tmp_path / split / "cat" / f"{i}.png", colour=colour)
    assert (load(str(tmp_path), "train", size=8).images == 50).all()
    assert (load(str(tmp_path), "test", size=8).images == 200).all()


def test_a_flat_folder_has_no_labels(tmp_path):
    for i in range(2):
        save(tmp_path / f"{i}.jpg")
    found = load(str(tmp_path), size=8)
    assert found.labels.tolist() == [-1, -1] and found.class_names == ()


def test_mixed_sizes_and_grey_among_colour_become_one_tensor_in_colour(tmp_path):
    save(tmp_path / "a" / "grey.png", size=(9, 20), colour=77)
    save(tmp_path / "a" / "colour.png", size=(40, 31), colour=(10, 20, 200), mode="RGB")
    found = load(str(tmp_path), size=16)
    assert found.images.shape == (2, 3, 16, 16)
    assert {tuple(i[:, 4, 4].tolist()) for i in found.images} == {(77, 77, 77), (10, 20, 200)}


@pytest.mark.parametrize("count", [0, 1])
def test_a_folder_with_fewer_than_two_images_is_refused(tmp_path, count):
    for i in range(count):
        save(tmp_path / "cat" / f"{i}.png")
    with pytest.raises(ValueError, match=f"expected at least 2 images .*got {count}"):
        load(str(tmp_path))


@pytest.mark.parametrize("content", [b"just text", b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_file_that_only_claims_to_be_an_image_is_named(tmp_path, content):
    save(tmp_path / "good.png")
    (tmp_path / "liar.png").write_bytes(content)
    with pytest.raises(ValueError, match="liar.png: expected an image") as caught:
        load(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_named(tmp_path, suffix):
    save(tmp_path / "good.png")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"cut{suffix}")
    whole = (tmp_path / f"cut{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=f"cut{suffix}: expected an image"):
        load(str(tmp_path))


def test_a_huge_file_in_a_folder_is_named_and_never_decoded(tmp_path, monkeypatch):
    save(tmp_path / "good.png", size=(8, 8))
    save(tmp_path / "huge.png", size=(30, 30))
    decoded: list[tuple[int, int]] = []
    load_pixels = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size) or load_pixels(self))
    monkeypatch.setattr(data, "MAX_PIXELS", 100)
    with pytest.raises(ValueError, match="huge.png: expected an image of at most 100 pixels, got 30x30"):
        load(str(tmp_path))
    assert decoded and (30, 30) not in decoded


# Fashion-MNIST


def write_idx(path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    for prefix, shift in (("train", 0), ("t10k", 1)):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", pixels + shift)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(5, dtype=np.uint8) + shift)
    monkeypatch.setattr(fashion_mnist, "FILES", tmp_path)
    return tmp_path, torch.from_numpy(pixels)


def test_fashion_mnist_is_read_from_its_files_with_a_border_of_two(fashion):
    _, pixels = fashion
    found = load("fashion-mnist")
    assert found.labels.tolist() == [0, 1, 2, 3, 4] and found.class_names[9] == "Boot"
    assert torch.equal(found.images[:, 0, 2:-2, 2:-2], pixels)
    assert found.images.sum() == pixels.sum() and found.images.shape[-1] == 32
    assert load("fashion-mnist", split="test").labels.tolist() == [1, 2, 3, 4, 5]


def test_fashion_mnist_at_another_size_is_the_mean_of_its_areas(fashion):
    full, half = load("fashion-mnist").images.float(), load("fashion-mnist", size=16).images.float()
    means = full.unflatten(3, (16, 2)).unflatten(2, (16, 2)).mean((3, 5))
    assert half.shape[-1] == 16 and (half - means).abs().max() < 1


def test_an_unknown_split_of_fashion_mnist_is_refused(fashion):
    with pytest.raises(ValueError, match="split: expected 'train' or 'test', got 'validation'"):
        load("fashion-mnist", split="validation")


@pytest.mark.parametrize("damage", ["cut gzip", "cut pixels", "not gzip", "flipped bytes", "missing", "empty"])
def test_damaged_idx_files_are_named_in_one_line(fashion, damage):
    path = fashion[0] / "train-images-idx3-ubyte.gz"
    raw = path.read_bytes()
    flipped = bytearray(raw)
    flipped[10:40] = bytes(255 - v for v in flipped[10:40])
    contents = {
        "cut gzip": raw[: len(raw) // 2],
        "cut pixels": gzip.compress(gzip.decompress(raw)[:1000]),
        "not gzip": b"hello",
        "flipped bytes": bytes(flipped),
        "empty": b"",
    }
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(contents[damage])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz: expected a gzipped IDX file") as caught:
        load("fashion-mnist")
    assert "\n" not in str(caught.value)
