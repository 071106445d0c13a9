"""The same training image as a hint, as each method sees it."""

from dataclasses import replace

import pytest
import torch

from pdm.app.hints import hinted
from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.data.images import to_unit
from pdm.model.conditioning import as_tokens

ROWS = [5, 40, 41]


def test_pdm_mixes_the_prototypes_nearest_to_the_image(studio):
    condition, distances = hinted(studio, "pdm", ROWS)
    bank = studio.pdm.bank
    z = bank.encode(to_unit(studio.map.images[ROWS]))
    assert torch.equal(condition.ids[:, 0], torch.cdist(z, bank.vectors).argmin(1)) and distances is None
    torch.testing.assert_close(condition.tokens[:, 0], as_tokens(bank.vectors)[condition.ids[:, 0]])
    torch.testing.assert_close(condition.weights.sum(1), torch.ones(3))


def test_rdm_takes_its_neighbours_and_never_the_image_itself(studio):
    condition, distances = hinted(studio, "rdm", ROWS)
    memory = studio.rdm.memory
    for b, row in enumerate(ROWS):
        gaps = (memory.embeddings - memory.embeddings[row]).norm(dim=1)
        gaps[row] = torch.inf
        nearest = gaps.topk(4, largest=False)
        assert row not in condition.ids[b] and set(condition.ids[b].tolist()) == set(nearest.indices.tolist())
        torch.testing.assert_close(distances[b], nearest.values, rtol=0, atol=1e-3)


def test_the_unconditional_network_takes_nothing(studio):
    condition, _ = hinted(studio, "unconditional", ROWS)
    assert condition.is_null.all()


@pytest.mark.parametrize("method", ["pdm", "rdm", "unconditional"])
def test_a_request_paints_a_picture_a_hint_and_its_recipe_names_it(studio, method):
    request = resolved(studio, Request(method, count=3, steps=2, hints=tuple(ROWS)))
    *_, last = run(studio, request)
    assert len(last.images) == 3 and request.recipe(studio, 1).query == "training image 40"
    alone = resolved(studio, replace(request, count=1, seed=1, hints=(40,)))
    *_, other = run(studio, alone)
    assert (last.images[1].int() - other.images[0].int()).abs().max() <= 1


@pytest.mark.parametrize("hints, prototypes", [((1,), ()), ((1, 2, 10**6), ()), ((1, 2, "3"), ()), ((1, 2, 3), (4,))])
def test_hints_that_make_no_sense_are_refused(studio, hints, prototypes):
    with pytest.raises(ValueError, match="hints: expected|images: expected"):
        resolved(studio, Request(count=3, hints=hints, prototypes=prototypes))
