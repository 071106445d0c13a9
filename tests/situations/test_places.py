"""Where people have their pictures, and what went wrong for others: situations 1 to 16, each with what is right."""

import json
import os
import shutil

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pdm.data import folders, known
from pdm.data import load as loading
from pdm.data.stream import batches, pictures
from tests.situations.pictures import encoded, folder_of, parquet, per_class, picture, read, rows, zipped

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
