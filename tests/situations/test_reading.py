"""What people have and what happened to others with it: situations 1 to 28, each with what is right."""

import json
import os
import shutil

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from pdm.data import decode, folders, known, sources
from pdm.data import load as loading
from pdm.data.stream import Skipped, batches, pictures
from tests.situations.pictures import encoded, folder_of, per_class, picture, read, rows, save, zipped


@pytest.fixture(autouse=True)
def hub_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture
def pets(tmp_path):
    """Thirty different pictures of two classes."""
    return folder_of(tmp_path / "pets", {"cat": 15, "dog": 15})


def parquet(path, column, labels=None, name="image"):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: column} | ({} if labels is None else {"label": labels})
    pq.write_table(pa.table(columns), path)
    return path


# Where pictures lie


def test_1_class_folders_a_zip_and_parquet_are_the_same_pictures(pets, tmp_path):
    files = sorted(pets.rglob("*.png"))
    table = parquet(
        tmp_path / "pets.parquet", [f.read_bytes() for f in files], [f.parent.name for f in files], name="img"
    )
    archive = zipped(pets, tmp_path / "pets.zip")
    for split in ("train", "test"):
        found = [read(source, split) for source in (pets, archive, table)]
        assert {f.class_names for f in found} == {("cat", "dog")} and {f.name for f in found} == {"pets"}
        assert rows(found[0]) == rows(found[1]) == rows(found[2])


def test_2_a_parquet_file_is_streamed_as_it_is_loaded(pets, tmp_path):
    table = parquet(tmp_path / "one.parquet", [encoded(i) for i in range(40)])
    for source in (table, pets, zipped(pets, tmp_path / "pets.zip")):
        expected = read(source).images
        assert torch.equal(torch.cat(list(batches(pictures(str(source), 0), 12, 1, 9))), expected)
        assert torch.equal(torch.cat(list(batches(pictures(str(source), 11), 12, 1, 9))), expected[11:])


def test_3_a_short_name_is_streamed_and_loaded_from_where_it_stands_for(pets, tmp_path, monkeypatch):
    parquet(tmp_path / "shipped" / "train-00000-of-00001.parquet", [encoded(i) for i in range(30)])
    parquet(tmp_path / "shipped" / "test-00000-of-00001.parquet", [encoded(i) for i in range(50, 54)])
    monkeypatch.setitem(known.SHIPPED_SETS, "mine", tmp_path / "shipped")
    assert len(loading.load("mine", size=12)) == len(list(pictures("mine"))) == 30
    assert loading.load("mine", "test", size=12).name == "mine"


def test_4_a_folder_of_parquet_files_is_one_table(tmp_path):
    for part in range(3):
        parquet(tmp_path / "many" / f"part-{part}.parquet", [encoded(10 * part + i) for i in range(10)])
    assert len(read(tmp_path / "many")) + len(read(tmp_path / "many", "test")) == 30


def test_5_a_table_has_bytes_or_bytes_and_a_path_without_anything_that_says_so(tmp_path):
    raw = [encoded(i) for i in range(6)]
    structs = [{"bytes": b, "path": f"{i}.png"} for i, b in enumerate(raw)]
    (tmp_path / "x.png").write_bytes(raw[0])
    by_path = [{"bytes": None, "path": str(tmp_path / "x.png")}, *structs[1:]]
    found = [read(parquet(tmp_path / f"{i}.parquet", column)) for i, column in enumerate((raw, structs, by_path))]
    assert rows(found[0]) == rows(found[1]) == rows(found[2])


def test_6_labels_are_words_numbers_missing_or_null(tmp_path):
    raw = [encoded(i) for i in range(4)]

    def labels(name, values):
        found = read(parquet(tmp_path / f"{name}.parquet", raw, values))
        return found.labels.tolist(), found.class_names

    assert labels("words", ["dog", "cat", None, "dog"]) == ([1, 0, -1, 1], ("cat", "dog"))
    assert labels("numbers", [2, 0, None, -1]) == ([2, 0, -1, -1], ("0", "1", "2"))
    assert labels("digits", ["10", "2", "", "2"]) == ([1, 0, -1, 0], ("2", "10"))
    assert labels("null", [None] * 4) == labels("none", None) == ([-1] * 4, ())


def test_7_what_save_to_disk_wrote_is_read(tmp_path):
    table = datasets.Dataset.from_dict(
        {"image": [picture(i) for i in range(24)], "label": [i % 2 for i in range(24)]},
        features=datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])}),
    )
    table.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": table, "val": table.select(range(5))}).save_to_disk(tmp_path / "two")
    assert len(read(tmp_path / "one")) + len(read(tmp_path / "one", "test")) == 24
    assert len(read(tmp_path / "two")) == 24 and len(read(tmp_path / "two", "test")) == 5
    assert read(tmp_path / "two").class_names == ("a", "b") and len(list(pictures(str(tmp_path / "two")))) == 24


def test_8_a_stray_table_among_pictures_does_not_replace_them(pets):
    pq.write_table(pa.table({"embedding": [1.0]}), pets / "embeddings.parquet")
    assert per_class(read(pets)).keys() == {"cat", "dog"}


# What counts as a class and as a picture


def test_9_hidden_paths_are_no_classes_and_no_images(pets, tmp_path):
    for hidden in (".git/0.png", ".ipynb_checkpoints/0-checkpoint.png", "cat/._0.png", "__MACOSX/cat/1.png"):
        path = pets / hidden
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"\0\5\26\7 no picture")
    assert read(pets).class_names == ("cat", "dog") and read(pets).found.skipped == 0
    assert rows(read(zipped(pets, tmp_path / "z.zip"))) == rows(read(pets))


def test_10_a_linked_class_folder_is_followed_and_a_loop_is_not(pets, tmp_path):
    shutil.move(pets / "dog", tmp_path / "elsewhere")
    (pets / "dog").symlink_to(tmp_path / "elsewhere")
    (pets / "cat" / "up").symlink_to(pets)
    (pets / "kitten").symlink_to("cat")
    found = read(pets)
    assert len(found) + len(read(pets, "test")) == 30 and found.class_names == ("cat", "dog")
    assert sum("a link to a folder that is read already" in note for note in found.found.notes) == 2


def test_11_a_folder_that_may_not_be_read_is_named(pets, monkeypatch):
    scan = os.scandir

    def refusing(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(folders.os, "scandir", refusing)
    with pytest.raises(ValueError, match="pets/dog: expected a folder that can be read, got: .*Permission denied"):
        read(pets)


def test_12_a_class_called_train_or_test_is_one_where_its_siblings_are(tmp_path):
    vehicles = folder_of(tmp_path / "vehicles", {"train": 20, "car": 20, "test": 20})
    assert read(vehicles).class_names == ("car", "test", "train")
    split = folder_of(tmp_path / "split", {"train/car": 5, "train/bus": 5, "test/car": 2, "test/bus": 2, "extra/x": 2})
    found = read(split)
    assert (len(found), found.class_names, len(read(split, "test"))) == (10, ("bus", "car"), 4)
    assert found.found.notes == ["2 pictures beside the splits"]


def test_13_folders_of_one_name_in_different_ones_are_different_classes(tmp_path):
    shoes = folder_of(tmp_path / "shoes", {"cat/left": 3, "cat/right": 3, "dog/left": 3})
    assert read(shoes).class_names == ("cat/left", "cat/right", "dog/left")
    assert read(folder_of(tmp_path / "deep", {"animals/cat": 2, "things/car": 2})).class_names == ("car", "cat")


def test_14_classes_are_numbered_alike_in_every_split(tmp_path):
    found = folder_of(tmp_path / "set", {"train/a": 2, "train/b": 2, "train/c": 2, "test/c": 2})
    assert read(found, "test").class_names == read(found).class_names
    assert read(found, "test").labels.tolist() == [2, 2]


def test_15_labels_of_metadata_csv_count(tmp_path):
    flat = folder_of(tmp_path / "flat", {"images": 4})
    lines = "file_name,Label\nimages/0000.png,dog\nimages/0001.png,cat\nimages/0003.png,\ngone.png,cat\n"
    (flat / "metadata.csv").write_text("\ufeff" + lines)
    found = read(flat)
    assert found.class_names == ("cat", "dog") and sorted(found.labels.tolist()) == [-1, -1, 0, 1]
    assert "1 pictures of the metadata are not there" in found.found.notes
    (flat / "metadata.csv").unlink()
    rows = [{"file_name": f"{i:04d}.png", "label": i % 2} for i in range(4)]
    (flat / "images" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert per_class(read(flat)) == {"0": 2, "1": 2}


def test_16_files_of_other_kinds_are_counted_and_not_left_out_without_a_word(pets):
    for name in ("cat/a.cr2", "cat/b.cr2", "notes.txt"):
        (pets / name).write_text("raw")
    assert read(pets).found.notes == ["other files: 2 .cr2, 1 .txt"]
    assert "other files: 2 .cr2, 1 .txt" in read(pets).found.line()


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
    assert (read(folder, colour="grey").images.int() - 200).abs().max() <= 2


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
