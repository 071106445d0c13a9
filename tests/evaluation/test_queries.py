"""PDM drawn from the images that RDM's queries come from."""

from copy import deepcopy

import pytest
import torch

from pdm.evaluation.queries import draw_like
from tests.tiny import banded


def test_pdm_then_paints_from_the_prototypes_of_those_images_alone(pdm_pipeline, rdm_pipeline, images):
    bank = deepcopy(pdm_pipeline.bank)
    pipeline = type(pdm_pipeline)(pdm_pipeline.denoiser, bank, pdm_pipeline.scheduler)
    variant = draw_like(pipeline, rdm_pipeline, images)
    assert variant.name == "pdm, queries of rdm top_m 0.1" and not variant.unconditional
    popular = rdm_pipeline.memory.popularity.argsort(descending=True, stable=True)[:10]  # a tenth of 96
    expected, _ = bank.mixture(bank.encode(images.images[popular].float() / 127.5 - 1))
    assert {*map(tuple, bank.table.ids.tolist())} == {*map(tuple, expected.tolist())}
    assert not torch.equal(bank.table.ids, pdm_pipeline.bank.table.ids)  # the fixture's own is as it was


@pytest.mark.parametrize("other", [slice(0, 5), slice(None, None, 2)])
def test_a_memory_of_other_images_is_refused(pdm_pipeline, rdm_pipeline, other):
    bank = deepcopy(pdm_pipeline.bank)
    pipeline = type(pdm_pipeline)(pdm_pipeline.denoiser, bank, pdm_pipeline.scheduler)
    with pytest.raises(ValueError, match="RDM's memory: expected one of the training images of .*, got one of others"):
        draw_like(pipeline, rdm_pipeline, banded().subset(other))
    assert torch.equal(bank.table.ids, pdm_pipeline.bank.table.ids)
