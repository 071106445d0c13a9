"""What RDM retrieves with: made once, saved whole, and used only with the images it was made from."""

import json
from dataclasses import replace

import pytest
import torch

from pdm.config import MemoryConfig
from pdm.model.encoders import embed_all
from pdm.retrieval.encoded import load_retrieval, make_retrieval, memory_config, memory_rows, read_card, save_retrieval
from tests.tiny import banded

CONFIG = MemoryConfig(entries=64, neighbours=3, encoder_steps=3, encoder_batch=32, encoder_dim=16)


def silent(what, step, of, loss):
    pass


@pytest.fixture(scope="module")
def data():
    return banded()


@pytest.fixture(scope="module")
def made(data):
    return make_retrieval(CONFIG, data, silent)


@pytest.fixture
def folder(made, data, tmp_path):
    return save_retrieval(made, tmp_path / "memory", data)


def test_the_memory_holds_the_first_images_and_no_more_than_there_are():
    assert memory_rows(10, 3).tolist() == [0, 1, 2]
    assert memory_rows(3, 10).tolist() == [0, 1, 2]


def test_neighbours_are_the_nearest_entries_by_brute_force_without_the_image_itself(made, data):
    z = embed_all(made.encoder.embed, data.images)
    distances = torch.cdist(z.double(), z[:64].double())
    distances[torch.arange(64), torch.arange(64)] = torch.inf
    expected = distances.topk(3, largest=False).values
    assert torch.allclose(distances.gather(1, made.neighbours), expected, atol=1e-4)
    assert len(made.memory) == 64 and made.memory.source_ids.tolist() == list(range(64))


def test_popularity_counts_how_often_an_entry_is_a_neighbour(made):
    counts = torch.tensor([(made.neighbours == k).sum() for k in range(64)])
    assert torch.equal(made.memory.popularity.long(), counts) and counts.sum() == 3 * 96


def test_a_memory_of_two_images_has_one_neighbour_each(data):
    made = make_retrieval(replace(CONFIG, entries=2), data.subset(slice(2)), silent)
    assert made.neighbours.tolist() == [[1], [0]]


def test_progress_is_told_up_to_the_last_step(data):
    told = {}
    make_retrieval(CONFIG, data, lambda what, step, of, loss: told.update({what: (step, of)}))
    assert told == {"encoder": (3, 3), "embedding": (96, 96)}


def test_an_encoder_in_a_folder_embeds_as_the_one_that_was_saved(made, data, folder):
    again = make_retrieval(CONFIG, data, silent, encoder=str(folder / "encoder"))
    assert torch.equal(again.memory.embeddings, made.memory.embeddings)


def test_an_encoder_for_colour_is_refused_for_grey_images(folder):
    with pytest.raises(ValueError, match="expected one for 3 channels, got 1"):
        make_retrieval(CONFIG, banded(per_class=2, channels=3), silent, encoder=str(folder / "encoder"))


@pytest.mark.parametrize("name", ["clip", "org/no-such-clip"])
def test_clip_without_a_network_is_one_line_that_names_the_way_out(data, name):
    with pytest.raises(ValueError, match="use the project's own encoder") as caught:
        make_retrieval(CONFIG, data, silent, encoder=name)
    assert "\n" not in str(caught.value)


def test_what_was_saved_is_loaded_to_the_bit(made, data, folder):
    loaded = load_retrieval(folder, data)
    assert torch.equal(loaded.neighbours, made.neighbours) and loaded.clip is None
    for part in ("memory", "encoder"):
        saved, got = getattr(made, part).state_dict(), getattr(loaded, part).state_dict()
        assert saved.keys() == got.keys() and all(torch.equal(saved[k], got[k]) for k in saved)


def test_a_run_takes_its_sizes_from_the_memory_it_uses(folder):
    config = memory_config(MemoryConfig(encoder_steps=7), folder)
    assert (config.entries, config.neighbours, config.encoder_dim) == (64, 3, 16)
    assert (config.encoder, config.folder, config.encoder_steps) == ("own", str(folder), 7)


def test_a_memory_of_other_images_is_refused(folder, data):
    with pytest.raises(ValueError, match="expected one made from these 96 images .*--data, --size and --limit"):
        load_retrieval(folder, banded(seed=5))
    with pytest.raises(ValueError, match="these 95 images .* got one made from 96"):
        load_retrieval(folder, data.subset(slice(95)))


@pytest.mark.parametrize(
    "part", ["card.json", "neighbours.safetensors", "memory/config.json", "encoder/diffusion_pytorch_model.safetensors"]
)
def test_an_incomplete_memory_is_refused_in_one_line(folder, data, part):
    (folder / part).unlink()
    with pytest.raises(ValueError, match=r"^(memory|encoder) .*expected a") as caught:
        load_retrieval(folder, data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["neighbours.safetensors", "memory/diffusion_pytorch_model.safetensors"])
def test_a_truncated_memory_is_refused_in_one_line(folder, data, part):
    path = folder / part
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="expected a folder written by `python -m pdm memory`") as caught:
        load_retrieval(folder, data)
    assert "\n" not in str(caught.value)


def test_a_card_that_lacks_something_is_refused_by_its_name(folder):
    card = json.loads((folder / "card.json").read_text())
    del card["data_hash"]
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="without data_hash"):
        read_card(folder)


def test_a_full_disk_leaves_the_old_memory_and_nothing_half_written(made, data, folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    before = (folder / "card.json").read_text()
    monkeypatch.setattr("pdm.retrieval.encoded.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save_retrieval(made, folder, data)
    assert (folder / "card.json").read_text() == before
    assert [p.name for p in folder.parent.iterdir()] == ["memory"]
