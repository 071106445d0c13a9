"""What pictures people have, and what went wrong for others with them: situations 17 to 28, each with what is right."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.data import decode, sources
from pdm.data import load as loading
from pdm.data.stream import Skipped, batches, pictures
from tests.situations.pictures import encoded, folder_of, parquet, per_class, picture, read, rows, save, zipped

# Kinds of pictures


def test_17_tiff_gif_avif_and_jfif_are_read(tmp_path):
    for i, name in enumerate(("a.tif", "b.TIFF", "c.gif", "d.avif", "e.jfif", "f.webp", "g.bmp")):
        kind = {"jfif": "JPEG"}.get(name.split(".")[1])
        options = {"save_all": True, "append_images": [picture(150)]} if name == "c.gif" else {}
        save(tmp_path / "kinds" / name, i, format=kind, **options)
    found = read(tmp_path / "kinds", colour="grey")
    assert len(found) == 7 and (found.images[:, 0, 6, 6].int() - 43).abs().max() <= 6  # of a GIF the first frame


def test_18_heic_is_named_with_the_package_that_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "find_spec", lambda name: None)
    folder_of(tmp_path / "set", {"cat": 120})
    raw = b"\0\0\0\x18ftypheic" + bytes(40)
    (tmp_path / "set" / "cat" / "photo.HEIC").write_bytes(raw)
    found = read(tmp_path / "set").found
    assert found.skipped == 1 and "photo.HEIC" in found.line() and "pip install pillow-heif" in found.line()
    with pytest.raises(ValueError, match="pip install pillow-heif"):
        read(parquet(tmp_path / "one.parquet", [raw, encoded(1)]))


def test_19_photos_stand_upright_in_folders_as_in_tables(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: to be turned by 90 degrees
    lying = Image.fromarray(np.linspace(0, 255, 64).reshape(1, -1).repeat(64, 0).astype(np.uint8))
    for i in range(2):
        path = tmp_path / "photos" / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        lying.save(path, exif=exif, quality=95)
    table = parquet(tmp_path / "t.parquet", [(tmp_path / "photos" / f"{i}.jpg").read_bytes() for i in range(2)])
    for source in (tmp_path / "photos", table, zipped(tmp_path / "photos", tmp_path / "z.zip")):
        image = read(source).images[0, 0].float()
        assert image[-1].mean() > image[0].mean() + 150 and (image[:, 0] - image[:, -1]).abs().max() < 8


def test_20_a_photo_of_24_megapixels_is_decoded_at_a_reduced_size(tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("L", (6000, 4000), 200).save(tmp_path / "a" / "0.jpg", quality=30)
    shutil.copy(tmp_path / "a" / "0.jpg", tmp_path / "a" / "1.jpg")
    picture, size = decode.decoded(tmp_path / "a" / "0.jpg", "photo", 64)
    assert size == (6000, 4000) and picture.size == (750, 500)
    found = read(tmp_path / "a")
    assert found.found.largest == (6000, 4000) and (found.images.int() - 200).abs().max() < 3
    assert decode.open_picture(tmp_path / "a" / "0.jpg").size == (3000, 2000)  # for nobody knows what


def test_21_sixteen_bits_cmyk_palettes_and_alpha_keep_their_tones(tmp_path):
    folder = tmp_path / "modes"
    folder.mkdir()
    Image.fromarray(np.full((9, 9), 200 * 257, np.uint16)).save(folder / "a.png")
    Image.new("CMYK", (9, 9), (0, 0, 0, 55)).save(folder / "b.tif")
    Image.new("L", (9, 9), 200).convert("P").save(folder / "c.png")
    Image.new("RGBA", (9, 9), (200, 200, 200, 255)).save(folder / "d.png")
    Image.fromarray(np.full((9, 9), 200 * 257, np.uint16)).save(folder / "e.tif")
    Image.fromarray(np.full((9, 9), 200 * 257, np.int32)).save(folder / "f.tif")
    assert (read(folder, colour="grey").images.int() - 200).abs().max() <= 2 and len(read(folder)) == 6


# What is wrong with some of them


def test_22_one_broken_picture_in_a_hundred_is_skipped_and_listed(tmp_path):
    big = folder_of(tmp_path / "big", {"cat": 100, "dog": 100})
    for name in ("cat/0007.png", "dog/0150.png"):
        (big / name).write_bytes(b"broken")
    found = read(big)
    assert found.found.skipped == 2 and len(found) + len(read(big, "test")) == 198
    for name in ("cat/0007.png", "dog/0150.png"):
        assert f"{big / name}: expected an image, got" in found.found.line()


def test_23_more_broken_ones_are_an_error_that_names_the_first_ten(tmp_path):
    bad = folder_of(tmp_path / "bad", {"cat": 60})
    for i in range(0, 60, 5):
        (bad / "cat" / f"{i:04d}.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"at most 1 in 100 of them unreadable, got 10 of 60") as error:
        read(bad)
    assert str(error.value).count("0.png:") + str(error.value).count("5.png:") == 10 and "\n" not in str(error.value)


def test_24_a_stream_skips_the_same_and_goes_on_after_it(tmp_path):
    big = folder_of(tmp_path / "big", {"train/a": 150, "test/a": 2})
    (big / "train" / "a" / "0003.png").write_bytes(b"broken")
    skipped, expected = Skipped(), read(big).images
    assert torch.equal(torch.cat(list(batches(pictures(str(big), skipped=skipped), 12, 1, 50))), expected)
    assert len(skipped.rows) == 1 and "0003.png" in skipped.said[0]
    for start in (skipped.rows[0], skipped.rows[0] + 1, 149):
        rest = list(batches(pictures(str(big), start, skipped=skipped), 12, 1, 200))
        assert torch.equal(torch.cat(rest) if rest else expected[:0], expected[start:])


def test_25_a_limit_of_ten_reads_ten(tmp_path, monkeypatch):
    big = folder_of(tmp_path / "big", {"train/a": 60, "test/a": 2})
    calls, decoded = [], loading.decoded
    monkeypatch.setattr(loading, "decoded", lambda *asked: calls.append(asked[1]) or decoded(*asked))
    found = read(big, limit=10)
    assert len(found) == len(calls) == 10 and set(found.places) == set(calls)
    assert torch.equal(found.images, read(big).images[:10])
    table = parquet(tmp_path / "t" / "train.parquet", [b"broken", *(encoded(i) for i in range(150))])
    parquet(tmp_path / "t" / "test.parquet", [encoded(200)] * 2)
    assert len(read(table.parent, limit=10)) == 10 and read(table.parent, limit=10).found.skipped == 1


def test_26_a_last_line_says_what_was_found(pets):
    picture(70, size=(30, 20)).save(pets / "cat" / "large.png")
    found = read(pets, size=16)
    assert len(found) + found.found.held_out == 31
    line = found.found.line()
    assert line.startswith(f"{len(found)} images (cat {per_class(found)['cat']}, dog {per_class(found)['dog']})")
    assert "12 x 12" in line and "grey" in line and f"{found.found.held_out} held out" in line
    assert "none skipped" in line and "\n" not in line


def test_27_one_colour_picture_does_not_turn_a_grey_set_over(pets):
    shade = picture(7).convert("RGB")
    shade.putpixel((5, 5), (255, 0, 0))
    shade.save(pets / "cat" / "0007.png")
    data, again = read(pets), read(pets, colour="colour")
    assert data.images.shape[1] == 1 and again.images.shape[1] == 3
    data = read(pets, "train") if data.found.odd else read(pets, "test")
    assert data.found.odd == 1 and "grey, 1 was colour" in data.found.line()
    folder_of(pets, {"dog": 40}, start=100, mode="RGB")
    assert read(pets).images.shape[1] == 3 and read(pets).found.colour
    assert read(pets, colour="grey").images.shape[1] == 1


# What is held out


def test_28_a_source_without_a_held_out_split_gets_one_that_stays(tmp_path):
    big = folder_of(tmp_path / "big", {"cat": 60, "dog": 60})
    for i in range(20):  # copies under other names
        shutil.copy(big / "cat" / f"{i:04d}.png", big / "dog" / f"copy{i}.png")
    train, test = ({row for _, row in rows(read(big, split))} for split in ("train", "test"))
    assert not train & test and len(train | test) == 120 and 5 <= len(test) <= 25
    folder_of(big, {"dog": 70}, start=120)  # 210 files in all, past where the lowest hashes are looked for
    more = [{row for _, row in rows(read(big, split))} for split in ("train", "test")]
    assert train < more[0] and test < more[1]
    for name in ("val", "validation", "valid"):
        split = folder_of(tmp_path / name, {"train/a": 5, f"{name}/a": 3})
        assert len(read(split)) == 5 and len(read(split, "test")) == len(read(split, "validation")) == 3
    assert sources.resolve(str(big)).kind == "folder"
