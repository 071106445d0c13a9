"""Models with a guide in the app: visitors share calls, and explanations are of the same pictures."""

from dataclasses import replace

import torch

from pdm.app.together import Together
from pdm.data.images import to_bytes
from pdm.sampling.explain import explain
from pdm.sampling.solvers import drive
from tests.app.held import at_once, frames
from tests.guides import with_guide
from tests.tiny import seeds, tiny_denoiser


def test_visitors_with_and_without_guidance_share_calls_and_are_painted_as_alone(own, alone):
    studio, held = own
    pipeline = with_guide(alone.pdm, tiny_denoiser(seed=9))
    requests = [{"guidance": 2.0, "count": 2}, {"guidance": 1.0, "count": 3, "seed": 5}, {"guidance": 3.0, "seed": 8}]
    together = at_once((replace(studio, pdm=pipeline), held), *requests)
    apart = replace(alone, pdm=pipeline, together=Together())
    for (*_, one), values in zip(together, requests, strict=True):
        *_, other = frames(apart, **values)
        assert (one.images.int() - other.images.int()).abs().max() <= 1
    assert len(held.batches) < 9


def test_explanations_are_of_the_picture_and_of_the_denoisers_attention(alone):
    pipeline = with_guide(alone.pdm, tiny_denoiser(seed=9))
    ready = pipeline.prepare(seeds(1), prototypes=[1, 2], guidance_scale=2.0)
    *_, last = drive(pipeline.net_for(None, 4), pipeline.sampling(ready, num_inference_steps=4))
    options = {"steps": 4, "guidance_scale": 2.0, "scheduler": pipeline.scheduler_for(None)}
    found = explain(pipeline.net_for(None, 4), ready.condition, ready.noise, seeds(1)[0], **options)
    torch.testing.assert_close(found.attention.sum(1), torch.ones_like(found.attention[:, 0]))
    assert found.timeline.shape[0] == 4
    assert (found.timeline[-1].int() - to_bytes(last.denoised)[0].int()).abs().max() <= 1
