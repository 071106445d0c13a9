"""Painting together: the same pictures as alone, however many calls and processes there are."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from pdm.app.together import Together, _Asked
from pdm.app.together import _call as call
from pdm.data.images import to_pil
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.regions import Regions
from pdm.pipelines.start import Start
from pdm.sampling.inversion import INVERSE
from pdm.sampling.solvers import make_scheduler
from pdm.support.device import cpu_has_bf16
from tests.app.held import at_once, frames
from tests.tiny import seeds, tiny_denoiser

KINDS = {
    "fixed": [{"count": 4, "seed": 1}, {"count": 1, "seed": 9}, {"count": 3, "seed": 5, "guidance": 1}],
    "guided": [{"count": 2, "guidance": 1.3}, {"count": 3, "seed": 7, "guidance": 4.0}],
    "mixes": [{"prototypes": (1, 2), "weights": (0.7, 0.3)}, {"prototypes": (4, 5), "seed": 3}],
    "ancestral": [{"sampler": "ddpm", "seed": 4}, {"sampler": "ddpm", "seed": 8, "count": 3}],
    "redrawn": [{"method": "paper", "guidance": 1, "seed": 2}, {"method": "paper", "guidance": 1, "seed": 6}],
    "retrieved": [{"method": "rdm", "seed": 2}, {"method": "rdm", "seed": 3, "top_m": 0.5}],
    "null": [{"method": "unconditional", "guidance": 2.0}, {"method": "unconditional", "guidance": 1, "seed": 4}],
}


@pytest.mark.parametrize("requests", KINDS.values(), ids=KINDS)
def test_pictures_are_those_painted_alone(alone, own, requests):
    """In float32 a CPU's matrix products may differ in their last bit with the number of rows: one level of 255."""
    requests = [{"guidance": 1, **r} for r in requests]
    for together, values in zip(at_once(own, *requests), requests, strict=True):
        by_itself = list(frames(alone, **values))
        assert together[-1].done and [f.step for f in by_itself] == [1, 2, 3]
        for one in together:
            other = by_itself[one.step - 1]
            assert one.images.shape == other.images.shape
            assert (one.images.int() - other.images.int()).abs().max() <= 1
        assert torch.equal(together[-1].condition.ids, by_itself[-1].condition.ids)
    assert len(own[1].batches) < 3 * len(requests)


def test_own_pictures_products_and_inversions_share_calls_and_are_as_painted_alone(alone, own, images):
    photo, keep = to_pil(images.images[7]), torch.zeros(16, 16)
    keep[:, :8] = 1
    starts = {
        "kept": {"start": Start(photo, keep)},
        "half": {"start": Start(photo, strength=0.5)},
        "not": {"negative": [4], "start": Start(noise=torch.ones(1, 16, 16), angle=30)},
        INVERSE: {"start": Start(photo)},
    }

    def asked(studio, name, seed):
        ready = studio.pdm.prepare(seeds(seed), prototypes=[3], guidance_scale=2.0, **starts[name])
        sampler = INVERSE if name == INVERSE else "dpm++2m"
        return lambda: [step for step, _ in studio.together.stream(studio.pdm, ready, steps=4, sampler=sampler)]

    together = at_once(own, *(asked(own[0], name, seed) for seed, name in enumerate(starts)))
    for (seed, name), found in zip(enumerate(starts), together, strict=True):
        by_itself = asked(alone, name, seed)()
        assert [s.index for s in found] == list(range({"half": 2, INVERSE: 3}.get(name, 4)))
        for one, other in zip(found, by_itself, strict=True):
            torch.testing.assert_close(one.denoised, other.denoised, atol=2e-4, rtol=1e-3)
    assert own[1].batches[0] == [1] * 4 and len(own[1].batches) < 8


@pytest.mark.skipif(not cpu_has_bf16(), reason="bfloat16 is emulated here")
@pytest.mark.parametrize("guidance", [1, 1.7])
def test_in_bfloat16_not_a_bit_differs(alone, own, guidance):
    bf16 = PDMPipeline(tiny_denoiser().to(torch.bfloat16), alone.pdm.bank, make_scheduler())
    (studio, held), alone = own, replace(alone, pdm=bf16)
    requests = [{"count": n, "seed": 10 * n, "guidance": guidance} for n in (4, 1, 16, 3, 7)]
    together = at_once((replace(studio, pdm=bf16), held), *requests)
    for (*_, one), values in zip(together, requests, strict=True):
        *_, other = frames(alone, **values)
        assert torch.equal(one.images, other.images)
    assert held.batches == [[1, 3, 4, 7, 16]] * 3


def test_in_another_process_there_is_nobody_to_share_with(own):
    assert isinstance(pickle.loads(pickle.dumps(own[0].together)), Together)


def test_two_calls_at_a_time_have_half_of_the_cores_each_and_no_request_in_common(alone, monkeypatch):
    pair, met, seen = replace(alone, together=Together(calls=2)), threading.Barrier(2), []

    def noted(asked):
        if asked and asked[0] in pair.together._asked:  # others paint as well
            first = len(seen) < 2
            seen.append([a.rows for a in asked])
            if first:
                met.wait(20)  # neither goes on before the other has begun
                cores.add(torch.get_num_threads())
        return call(asked)

    cores: set[int] = set()
    monkeypatch.setattr("pdm.app.together._call", noted)
    monkeypatch.setattr(pair.together, "_cores", 2)
    requests = {"count": 3}, {"count": 4, "method": "paper"}  # of two nets, so that they are never one call
    with ThreadPoolExecutor(2) as visitors:
        got = list(visitors.map(lambda values: list(frames(pair, guidance=1, **values)), requests))
    assert sorted(seen[:2]) == [[3], [4]] and cores == {1, 2}  # the first one did not know of the second
    for (*_, one), values in zip(got, requests, strict=True):
        *_, other = frames(alone, guidance=1, **values)
        assert one.done and (one.images.int() - other.images.int()).abs().max() <= 1


def test_many_at_once_are_each_painted_once_however_many_calls_are_made(alone, monkeypatch):
    pair, inside = replace(alone, together=Together(calls=2)), []

    def noted(asked):
        if asked and asked[0] in pair.together._asked:
            assert not any(a in inside for a in asked) and sum(a.rows for a in asked) <= 32
            inside.extend(asked)
        turns = call(asked)
        inside[:] = [a for a in inside if a not in asked]
        return turns

    monkeypatch.setattr("pdm.app.together._call", noted)
    with ThreadPoolExecutor(12) as visitors:
        got = list(visitors.map(lambda k: list(frames(pair, count=4, seed=4 * k)), range(12)))
    assert [[f.step for f in one] for one in got] == [[1, 2, 3]] * 12
    assert len({one[-1].images.numpy().tobytes() for one in got}) == 12 and not pair.together._present()


def test_canvases_of_one_size_share_a_call_and_are_painted_as_alone(studio):
    masks = torch.zeros(2, 16, 48)
    masks[0, :, :24], masks[1, :, 24:] = 1, 1

    def asked(first: int, seed: int, **options) -> _Asked:
        generators = [torch.Generator().manual_seed(seed)]
        ready = studio.pdm.prepare(generators, regions=Regions(masks, [first, 2]), guidance_scale=2.0, **options)
        one = _Asked(studio.pdm, ready, 2, None)
        one.begin()
        return one

    for tiling in ("whole", "windows"):
        two = [asked(5, 1, tiling=tiling), asked(7, 2, tiling=tiling)]
        assert two[0].kind == two[1].kind and two[0].rows == 3  # as many as the pictures that hold its pixels
        other = [asked(5, 1, tiling=tiling), asked(7, 2, tiling=tiling)]
        together = call(two)
        for turn, own in zip(together, [call([one])[0] for one in other], strict=True):
            assert torch.allclose(turn.step.denoised, own.step.denoised, atol=1e-3) if turn.step else own.step is None
            assert torch.allclose(turn.ask.x, own.ask.x, atol=1e-3)
    picture = _Asked(studio.pdm, studio.pdm.prepare([torch.Generator()], prototypes=[5, 2]), 2, None)
    picture.begin()
    assert picture.kind != two[0].kind and asked(5, 1).kind != two[0].kind
