"""Data sets of the hub: their layout in a folder, Parquet files, and what cannot be reached."""

import os
import subprocess
import sys
import threading
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import datasets
import pytest
import torch
from PIL import Image

from pdm.data import images as data
from pdm.data.images import ImageData, to_pil
from pdm.data.known import readable
from pdm.data.load import load
from tests.tiny import banded


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def write_parquet(folder, columns: dict, features: dict, split="train"):
    (folder / "data").mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    table.to_parquet(str(folder / "data" / f"{split}-00000-of-00001.parquet"))
    return str(folder)


def test_a_local_folder_in_the_hubs_layout_is_read_with_its_class_names(tmp_path, hub_cache):
    pictures = [Image.new("L", (16, 16), 20 * i) for i in range(6)]
    features = {"img": datasets.Image(), "kind": datasets.ClassLabel(names=["cat", "dog"])}
    source = write_parquet(tmp_path / "pets", {"img": pictures, "kind": [0, 1, 1, 0, 0, 1]}, features)
    found = load(source, size=16)
    assert (found.name, found.class_names) == ("pets", ("cat", "dog"))
    assert found.labels.tolist() == [0, 1, 1, 0, 0, 1]
    assert found.images[:, 0, 0, 0].tolist() == [0, 20, 40, 60, 80, 100]
    assert load(source, size=16, limit=2).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SeaLake", "Sea lake"),
        ("HerbaceousVegetation", "Herbaceous vegetation"),
        ("tabby_cat", "tabby cat"),
        ("T-shirt", "T-shirt"),
        ("iPad", "iPad"),
        ("New York", "New York"),
        ("McIntosh", "McIntosh"),
        ("", ""),
    ],
)
def test_class_names_of_programs_are_said_as_people_say_them(name, said):
    assert readable(name) == said


def test_plain_integer_labels_get_numbers_for_names_and_no_labels_are_minus_one(tmp_path, hub_cache):
    pictures = [Image.new("RGB", (8, 8)) for _ in range(3)]
    features = {"image": datasets.Image(), "label": datasets.Value("int64")}
    numbered = load(write_parquet(tmp_path / "a", {"image": pictures, "label": [2, 0, 1]}, features), size=8)
    assert numbered.class_names == ("0", "1", "2") and numbered.labels.tolist() == [2, 0, 1]
    bare = load(write_parquet(tmp_path / "b", {"image": pictures}, {"image": datasets.Image()}), size=8)
    assert bare.class_names == () and bare.labels.tolist() == [-1, -1, -1]


def in_order(found: ImageData) -> list[tuple[int, bytes]]:
    return sorted(
        (label, image.numpy().tobytes()) for image, label in zip(found.images, found.labels.tolist(), strict=True)
    )


def test_parquet_in_the_hubs_layout_a_single_one_and_class_folders_give_the_same(tmp_path, hub_cache):
    """Pictures of other sizes and modes among them."""
    base = banded(2, channels=3)
    pictures = [to_pil(image) for image in base.images]
    pictures[1] = pictures[1].convert("L")
    pictures[2] = pictures[2].convert("P").resize((30, 20))
    labels = base.labels.tolist()
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        path = tmp_path / "folders" / base.class_names[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    names = sorted(base.class_names)
    columns = {"image": pictures, "label": [names.index(base.class_names[label]) for label in labels]}
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    folder = write_parquet(tmp_path / "bands", columns, features)
    single = tmp_path / "bands" / "data" / "train-00000-of-00001.parquet"
    found = [load(str(source), size=16) for source in (folder, single, tmp_path / "folders")]
    assert found[0].images.shape == (8, 3, 16, 16)
    assert torch.equal(found[0].images, found[1].images) and torch.equal(found[0].labels, found[1].labels)
    assert in_order(found[0]) == in_order(found[2])
    assert {f.class_names for f in found} == {tuple(names)}
    assert [f.name for f in found] == ["bands", "train-00000-of-00001", "folders"]
    for source in (folder, single, tmp_path / "folders"):
        with pytest.raises(ValueError, match="split 'test': .*20 different images to hold some out of, got 8"):
            load(str(source), "test", size=16)


def test_pictures_are_decoded_one_at_a_time(tmp_path, hub_cache, monkeypatch):
    """What is decoded and not yet made small: at most the one at hand, and the one after it."""
    source = write_parquet(
        tmp_path / "a",
        {"image": [Image.new("RGB", (64, 64), (i, i, i)) for i in range(9)]},
        {"image": datasets.Image()},
    )
    open_ones: list[int] = []
    alive: list[weakref.ref] = []
    shrink = data.from_pil

    def counted(picture, size, channels):
        alive.append(weakref.ref(picture))
        open_ones.append(sum(r() is not None for r in alive))
        return shrink(picture, size, channels)

    monkeypatch.setattr(data, "from_pil", counted)
    assert load(source, size=8).images[:, 0, 0, 0].tolist() == list(range(9))
    assert max(open_ones) <= 2


def test_a_table_that_cannot_be_used_is_refused_in_one_line(tmp_path, hub_cache):
    image, text = datasets.Image(), datasets.Value("string")
    good = Image.new("L", (8, 8))
    cases = [
        (write_parquet(tmp_path / "a", {"text": ["x", "y"]}, {"text": text}), "train", "expected a column of images"),
        (write_parquet(tmp_path / "b", {"image": [good] * 2}, {"image": image}), "test", "split 'test'"),
        (write_parquet(tmp_path / "c", {"image": [good]}, {"image": image}), "train", "at least 2 images, got 1"),
    ]
    broken = {"image": [{"bytes": b"no image", "path": "x.png"}] * 2}
    cases.append((write_parquet(tmp_path / "d", broken, {"image": image}), "train", "expected images"))
    halves = {"image": [good] * 2, "label": [0.5, 1.5]}
    features = {"image": image, "label": datasets.Value("float32")}
    cases.append((write_parquet(tmp_path / "e", halves, features), "train", "whole numbers"))
    for source, split, message in cases:
        with pytest.raises(ValueError, match=message) as caught:
            load(source, split=split, size=8)
        assert "\n" not in str(caught.value) and source in str(caught.value)


def test_a_hub_id_out_of_reach_is_one_line_that_names_it(hub_cache):
    with pytest.raises(ValueError, match="'no-such-owner/no-such-set', split 'train': expected a hub id") as caught:
        load("no-such-owner/no-such-set")
    assert "\n" not in str(caught.value)


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for a gated data set of owner "gated", and knows no other."""

    def do_HEAD(self):
        gated = "/gated/" in self.path
        self.send_response(401 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *arguments):
        pass


def test_what_the_hub_refuses_is_one_line_that_says_why(tmp_path):
    """In a process of its own: the hub's address is read when its library is imported."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        program = (
            "from pdm.data.load import load\n"
            "for name in ('gated/set', 'nobody/none', 'cifar10'):\n"
            "    try:\n"
            "        load(name)\n"
            "    except ValueError as error:\n"
            "        print(error)\n"
        )
        said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        server.shutdown()
    gated, missing, short = said.stdout.splitlines()
    assert "'gated/set'" in gated and "gated" in gated.split("got: ")[1]
    assert "'nobody/none'" in missing and "doesn't exist on the Hub" in missing
    assert "'uoft-cs/cifar10'" in short  # a short name stands for the hub id
