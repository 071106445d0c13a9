"""RDM's conditions: entries, images, texts and pseudo-queries."""

import pytest
import torch

from pdm.data.images import to_pil
from pdm.model.conditioning import as_tokens
from tests.tiny import DIM, seeds


def test_given_entries_are_their_own_nearest_neighbours(rdm_pipeline):
    condition, distances = rdm_pipeline.find(seeds(1, 2, 3), entries=[40, 7])
    assert condition.ids[:, 0].tolist() == [40, 7, 40]
    assert distances[:, 0].tolist() == pytest.approx([0, 0, 0], abs=2e-3)
    assert (distances.diff(dim=1) >= 0).all() and (condition.weights == 0.25).all()
    torch.testing.assert_close(condition.tokens, as_tokens(rdm_pipeline.memory.embeddings)[condition.ids])


def test_an_image_of_the_memory_finds_itself(rdm_pipeline, images):
    condition, distances = rdm_pipeline.find(seeds(1), image=to_pil(images.images[33]))
    assert condition.ids[0, 0] == 33 and distances[0, 0] < 1e-2


def test_pseudo_queries_come_only_from_the_top_share_by_popularity(rdm_pipeline):
    memory = rdm_pipeline.memory
    top = memory.popularity.argsort(descending=True, stable=True)[:10].tolist()  # top_m = 0.1 of 96
    condition, _ = rdm_pipeline.find(seeds(*range(60)), neighbours=1)
    assert set(condition.ids.flatten().tolist()) <= set(top)
    everything, _ = rdm_pipeline.find(seeds(*range(60)), neighbours=1, top_m=1.0)
    assert not set(everything.ids.flatten().tolist()) <= set(top)


def test_a_texts_embedding_replaces_the_first_neighbour(rdm_pipeline, monkeypatch):
    class Clip:
        can_embed_text = True

        def embed_text(self, texts):
            assert texts == ["a boot"]
            return torch.eye(1, DIM)

    monkeypatch.setattr(type(rdm_pipeline), "embedder", Clip())
    condition, _ = rdm_pipeline.find(seeds(1, 2), text="a boot")
    assert condition.ids[:, 0].tolist() == [-1, -1] and (condition.ids[:, 1:] >= 0).all()
    torch.testing.assert_close(condition.tokens[:, 0], DIM**0.5 * torch.eye(1, DIM).repeat(2, 1))
    ids, _ = rdm_pipeline.memory.search(torch.eye(1, DIM), 4)
    torch.testing.assert_close(condition.tokens[0, 1:], as_tokens(rdm_pipeline.memory.embeddings)[ids[0, 1:]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "a boot"}, "text: expected a memory made with CLIP"),
        ({"entries": [96]}, "entries: expected whole numbers from 0 to 95, got 96"),
        ({"neighbours": 97}, "neighbours: expected between 1 and 96, got 97"),
        ({"neighbours": 0}, "neighbours: expected between 1 and 96, got 0"),
        ({"top_m": 0.0}, "top_m: expected a share"),
        ({"sampler": "plms"}, "sampler: expected one of"),
    ],
)
def test_what_retrieval_cannot_do_is_refused_by_name(rdm_pipeline, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        rdm_pipeline(generator=seeds(1), num_inference_steps=1, **options)
