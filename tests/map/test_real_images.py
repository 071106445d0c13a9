"""Models of a data set that does not ship: a map of generated pictures, and real ones once the data set is there."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pdm.app.library import Library, load_studio
from pdm.data.images import ImageData, to_pil
from pdm.data.load import load
from pdm.map import real_images
from pdm.map.entries import FILE, find_entries, load_classes, save_classes
from pdm.map.generated import generated_data
from pdm.map.projection import PrototypeMap, save_map
from pdm.map.real_images import cached_map, real_map, source_of
from pdm.model.encoders import StaticEncoder, embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.retrieval.memory import Memory
from pdm.sampling.solvers import make_scheduler
from pdm.ui.components.map_view import map_base
from pdm.ui.shared.neighbours import neighbour_views
from tests.stored_features import assert_stored
from tests.tiny import CLASSES, banded, tiny_denoiser

CPU = {"device": torch.device("cpu"), "dtype": torch.float32}


@pytest.fixture(scope="module")
def tiles() -> ImageData:
    return replace(banded(channels=3), name="tiles")


@pytest.fixture(scope="module")
def pipelines(tiles) -> tuple[PDMPipeline, RDMPipeline]:
    torch.manual_seed(5)
    bank = PrototypeBank(channels=3, image_size=16, count=6, dim=16, class_names=CLASSES).eval().requires_grad_(False)
    bank.record(embed_all(bank.encode, tiles.images), tiles.labels, torch.Generator().manual_seed(0))
    encoder = StaticEncoder(channels=3, dim=16).eval()
    memory = Memory.build(embed_all(encoder.embed, tiles.images[:40]), torch.arange(40))
    memory.count_popularity(memory.neighbours_of(memory.embeddings, torch.arange(40), 4))
    pdm = PDMPipeline(tiny_denoiser(channels=3), bank, make_scheduler())
    rdm = RDMPipeline(tiny_denoiser(channels=3), memory, make_scheduler(), encoder, top_m=0.5)
    for pipeline in (pdm, rdm):
        pipeline.set_progress_bar_config(disable=True)
    return pdm, rdm


@pytest.fixture(scope="module")
def generated(pipelines) -> PrototypeMap:
    bank, data = pipelines[0].bank, generated_data(pipelines[0], 30)
    features = embed_all(bank.encode, data.images).half().float()
    return PrototypeMap("tiles", CLASSES, features[:, :2] * 10, features, data.labels, data.images, generated=True)


@pytest.fixture
def assets(pipelines, generated, tiles, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(real_images, "CACHE", tmp_path / "cache")
    folder = tmp_path / "assets" / "tiles"
    for name, pipeline in zip(("pdm", "rdm"), pipelines, strict=True):
        pipeline.save_pretrained(folder / name)
    save_classes(tiles.labels[:40], folder / "rdm")
    save_map(generated, folder / "map", lossy=True)
    return folder.parent


def folders(data: ImageData, folder: Path, split: str) -> Path:
    for i, (image, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
        path = folder / split / data.class_names[label] / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        to_pil(image).save(path)
    return folder


# What the entries of a memory were


def test_entries_are_found_in_any_order_of_the_data_set(pipelines, tiles):
    order = torch.randperm(len(tiles), generator=torch.Generator().manual_seed(1))
    rows, found = find_entries(pipelines[1], tiles.subset(order))
    assert found.all() and torch.equal(order[rows], torch.arange(40))


def test_the_classes_of_entries_survive_and_those_of_another_memory_are_refused(tmp_path):
    labels = torch.tensor([2, -1, 0])
    assert load_classes(tmp_path, 3) is None
    save_classes(labels, tmp_path)
    assert torch.equal(load_classes(tmp_path, 3), labels)
    with pytest.raises(ValueError, match="expected 4 classes, as many as the memory has entries, got 3"):
        load_classes(tmp_path, 4)
    (tmp_path / FILE).write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="expected the classes of a memory, got a damaged file"):
        load_classes(tmp_path, 3)


# Real images on a generated map


def test_real_images_lie_in_the_rows_of_their_entries_among_the_generated_ones(pipelines, generated, tiles, tmp_path):
    source = folders(tiles, tmp_path / "tiles", "train")
    made = real_map("tiles", str(source), generated, *pipelines, cache=tmp_path / "cache")
    assert not made.generated and len(made) == 40 and made.class_names == CLASSES
    assert torch.equal(made.images, tiles.images[:40])
    assert torch.equal(made.features, embed_all(pipelines[0].bank.encode, tiles.images[:40]))
    assert torch.equal(made.xy, generated.place(made.features))
    kept = cached_map("tiles", pipelines[0], tmp_path / "cache")
    assert not kept.generated and kept.sheet == made.sheet and made.sheet.is_file()
    assert_stored(kept.features, made.features)


def test_a_copy_of_the_data_set_with_other_splits_will_do(pipelines, generated, tiles, tmp_path):
    folders(tiles.subset(slice(30, 96)), tmp_path / "tiles", "train")
    source = folders(tiles.subset(slice(30)), tmp_path / "tiles", "test")
    made = real_map("tiles", str(source), generated, *pipelines, cache=tmp_path / "cache")
    assert torch.equal(made.images, tiles.images[:40])


def test_classes_are_known_by_either_spelling(pipelines, generated, tiles, tmp_path):
    written, said = ("SeaLake", "AnnualCrop", "River", "Forest"), ("Sea lake", "Annual crop", "River", "Forest")
    folders(replace(tiles, class_names=written), tmp_path / "tiles", "train")
    ours = replace(generated, class_names=said)
    made = real_map("tiles", str(tmp_path / "tiles"), ours, *pipelines, cache=tmp_path / "cache")
    assert made.class_names == said and torch.equal(made.labels, tiles.labels[:40])


def test_another_data_set_is_refused_and_nothing_kept(pipelines, generated, tiles, tmp_path):
    other = replace(tiles, images=torch.rand(tiles.images.shape).mul(255).byte())
    source = folders(other, tmp_path / "other", "train")
    with pytest.raises(ValueError, match="other': expected the one that the model was trained on, found .* of the 40"):
        real_map("tiles", str(source), generated, *pipelines, cache=tmp_path / "cache")
    assert cached_map("tiles", pipelines[0], tmp_path / "cache") is None


def test_without_a_memory_the_first_images_are_shown(pipelines, generated, tiles, tmp_path):
    source = folders(tiles, tmp_path / "tiles", "train")
    made = real_map("tiles", str(source), generated, pipelines[0], None, cache=tmp_path / "cache")
    assert len(made) == len(load(str(source))) < len(tiles)  # the rest is held out


def test_where_images_come_from(tmp_path):
    (tmp_path / "eurosat").mkdir()
    assert source_of("eurosat", tmp_path) == str(tmp_path / "eurosat")
    assert source_of("cifar10", tmp_path) == str(tmp_path)
    (tmp_path / "mine.zip").touch()
    assert source_of("mine", tmp_path) == str(tmp_path / "mine.zip")
    assert source_of("cifar10") == "cifar10" and source_of("mine") is None


# The app's models


def test_a_model_without_its_data_set_says_so_and_pdm_does_not_need_it(assets):
    studio = load_studio(assets / "tiles", **CPU)
    assert studio.map.generated
    said, shown = neighbour_views(studio, [(3, 0.25), (7, 0.5)])
    assert "pictures of its data set, which is not here" in said and "PDM needs none" in said
    names = [item["title"] for item in shown["items"]]
    assert names == [CLASSES[studio.entry_classes[k]] for k in (3, 7)]
    base = map_base(studio)
    assert base["generated"] and base["kind"] == "picture the model made" and base["sheet"]["url"].endswith("webp")


def test_with_its_data_set_a_model_shows_real_images_now_and_after_a_restart(assets, tiles, tmp_path):
    folders(tiles, tmp_path / "data" / "tiles", "train")
    assert load_studio(assets / "tiles", **CPU).map.generated
    library = Library("tiles", assets=assets, data=tmp_path / "data", **CPU)
    studio = library.show_real("tiles")
    assert not studio.map.generated and library.get() is studio
    said, shown = neighbour_views(studio, [(3, 0.25)])
    assert "not here" not in said and shown["items"][0]["title"] == CLASSES[tiles.labels[3]]
    assert not load_studio(assets / "tiles", **CPU).map.generated


def test_data_given_at_the_start_is_shown_before_the_first_visitor_comes(assets, tiles, tmp_path):
    folders(tiles, tmp_path / "data" / "tiles", "train")
    library, said = Library("tiles", assets=assets, data=tmp_path / "data", **CPU), []
    library.show_given(lambda name, what: said.append(f"{name}: {what}"))
    assert not library.get().map.generated and said[0] == "tiles: the data set"
    said.clear()
    library.show_given(lambda name, what: said.append(what))  # nothing is left to do
    assert said == []


def test_data_of_another_set_leaves_the_map_as_it_is_and_says_so(assets, tmp_path):
    (tmp_path / "data").mkdir()
    library, said = Library("tiles", assets=assets, data=tmp_path / "data", **CPU), []
    library.show_given(lambda name, what: said.append(f"{name}: {what}"))
    assert library.get().map.generated
    assert said[-1].startswith("tiles: the map keeps its generated pictures: ") and "\n" not in said[-1]


def test_a_model_whose_data_set_is_nowhere_says_what_to_give(assets):
    with pytest.raises(ValueError, match="expected the folder with its images \\(--data\\), got none for 'tiles'"):
        Library("tiles", assets=assets, **CPU).show_real("tiles")


def test_other_visitors_have_the_model_while_its_images_are_fetched(monkeypatch):
    library = Library.__new__(Library)
    library._loading, library._fetching = {"tiny": threading.Lock()}, threading.Lock()
    as_it_was = SimpleNamespace(map=None)
    library.names, library.default, library._studios = ["tiny"], "tiny", {"tiny": as_it_was}

    def fetch(self, name, say):
        assert self._fetching.locked() and not self._loading[name].locked()
        return self.get(name)

    monkeypatch.setattr(Library, "_show_real", fetch)
    assert library.show_real("tiny") is as_it_was
