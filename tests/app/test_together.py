"""Painting together: the same pictures as alone, what is due first, and who leaves disturbs nobody."""

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace

import pytest
import torch

from pdm.app.painting import explained, painted, run
from pdm.app.requests import Request, resolved
from pdm.app.together import LARGE, Together, still_wanted
from pdm.app.together import _call as call
from pdm.data.images import to_pil
from pdm.model.conditioning import null_condition
from pdm.model.denoiser import Denoiser
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.start import Start
from pdm.sampling.inversion import INVERSE
from pdm.sampling.solvers import SAMPLERS, make_scheduler
from pdm.support.device import cpu_has_bf16
from tests.tiny import seeds, tiny_denoiser


class Held:
    """A thread for the nets that makes no call before `go`; notes of how many pictures each call is, by request."""

    def __init__(self, together, patch):
        self.together, self.thread, self.held, self.batches = together, ThreadPoolExecutor(1), [], []
        self.holds, together._thread = True, self

        def noted(asked):
            if asked and asked[0] in together._asked:  # others paint as well
                self.batches.append([a.rows for a in asked])
            return call(asked)

        patch.setattr("pdm.app.together._call", noted)

    def submit(self, work):
        if self.holds and work == self.together._work:
            self.held.append(work)
            return None
        return self.thread.submit(work)

    def step(self):
        """One call of what is due first, here and now."""
        self.together._work()

    def go(self):
        self.holds = False
        for work in self.held:
            self.thread.submit(work)


@pytest.fixture
def alone(studio):
    """The same model, which paints for nobody else meanwhile."""
    return with_paper(studio)


@pytest.fixture
def own(studio, monkeypatch):
    """One that paints for this test alone, begins when it is told to, and waits for nobody who takes his steps."""
    monkeypatch.setattr("pdm.app.together.AHEAD", 100)
    own = with_paper(studio)
    return own, Held(own.together, monkeypatch)


def with_paper(studio):
    denoiser = tiny_denoiser(preconditioning="vp", time_in_token=True)
    pipeline = PDMPipeline(denoiser, studio.pdm.bank, make_scheduler("ddpm", "vp"))
    return replace(studio, together=Together(), others={"paper": pipeline})


def frames(studio, **values):
    return run(studio, resolved(studio, Request(**{"count": 2, "steps": 3, **values})))


def until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def at_once(own, *requests):
    """Every request's frames, or its error, where all of them wait before the first is taken up, in this order."""
    (studio, held), got = own, {}

    def ask(k, values):
        try:
            got[k] = list(values() if callable(values) else frames(studio, **values))
        except Exception as error:
            got[k] = error

    threads = [threading.Thread(target=ask, args=item) for item in enumerate(requests)]
    for k, thread in enumerate(threads):
        thread.start()
        until(lambda k=k: len(studio.together._asked) == k + 1)
    held.go()
    for thread in threads:
        thread.join(30)
    return [got[k] for k in range(len(requests))]


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


def test_what_asks_the_same_net_shares_its_calls_and_nothing_else_does(own):
    guided, sampler, mix = {"guidance": 2.0}, {"sampler": "ddim"}, {"prototypes": (1, 2), "weights": (0.5, 0.5)}
    others = [{"count": 4, **o} for o in (guided, sampler, {"steps": 2}, {"seed": 9})]
    assert all(f[-1].done for f in at_once(own, *others, {"count": 1, **mix}, {"count": 3, "method": "rdm"}))
    shared = [calls for calls in own[1].batches if 4 in calls]
    assert shared == [[4] * 4, [4] * 4, [4] * 3]
    assert [calls for calls in own[1].batches if 4 not in calls] == [[1]] * 3 + [[3]] * 3


def one_after_the_other(own, *requests):
    """All frames of requests (values, calls), each asked for when the one before has seen so many calls."""
    studio, held = own
    with ThreadPoolExecutor(len(requests)) as pool:
        asked = []
        for values, calls in requests:
            asked.append(pool.submit(lambda values=values: list(frames(studio, **values))))
            until(lambda: any(a.started is None for a in studio.together._asked))
            for _ in range(calls):
                held.step()
        held.go()
        return [future.result(30) for future in asked]


def test_who_comes_later_joins_at_the_next_call(own):
    wanted = [{"count": count, "steps": 4, "seed": count} for count in (2, 3)]
    painted = one_after_the_other(own, *((values, 2) for values in wanted))
    assert [sorted(calls) for calls in own[1].batches] == [[2], [2], [2, 3], [2, 3], [3], [3]]
    for (*_, last), values in zip(painted, wanted, strict=True):
        *_, by_itself = frames(with_paper(own[0]), **values)
        assert (last.images.int() - by_itself.images.int()).abs().max() <= 1


def test_a_call_takes_64_pictures_and_no_more(own):
    at_once(own, *({"guidance": 1, "count": LARGE, "seed": k} for k in range(6)))
    assert own[1].batches == [[LARGE] * 4] * 3 + [[LARGE] * 2] * 3


def test_who_asks_for_few_waits_for_nobody_who_asked_for_many(own):
    painted = one_after_the_other(own, ({"count": 64, "steps": 4}, 1), ({"count": 2}, 3))
    assert all(seen[-1].done for seen in painted)
    assert own[1].batches == [[64], [2], [2], [2], [64], [64], [64]]


def test_many_are_put_off_for_their_own_price_and_no_longer(own):
    more = {"count": 16, "steps": 1, "guidance": 1}  # each one asks for 16, while many wait for 40
    many = {"count": 40, "steps": 2, "guidance": 1}
    assert all(seen[-1].done for seen in one_after_the_other(own, (many, 1), *[(more, 1)] * 30))
    # With 40 + 27 * 16 / 2 for each, those who come are due later.
    assert own[1].batches[1:].index([40]) == 27


def test_who_asks_for_few_waits_for_no_line_of_those_who_asked_for_more(own):
    studio, held = own
    more = [{"count": LARGE, "steps": 10, "guidance": 1, "sampler": name} for name in SAMPLERS]
    with ThreadPoolExecutor(7) as pool:
        asked = [pool.submit(lambda values=values: list(frames(studio, **values))) for values in more]
        until(lambda: len(studio.together._asked) == 6)
        for _ in range(12):  # more than any of them asks for by far, and some are not done
            held.step()
        asked.append(pool.submit(lambda: list(frames(studio, count=1, guidance=1))))
        until(lambda: any(a.rows == 1 for a in studio.together._asked))
        for _ in range(3):
            held.step()
        held.go()
        assert all(future.result(30)[-1].done for future in asked)
    assert all(calls[0] == 1 for calls in held.batches[12:15])


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_so_many_steps_are_made_ahead_of_who_takes_them(own, monkeypatch, ahead):
    monkeypatch.setattr("pdm.app.together.AHEAD", ahead)
    studio, held = own
    held.go()
    slow = frames(studio, steps=20)
    assert next(slow).step == 1
    until(lambda: not studio.together._working)
    assert len(held.batches) <= 2 + ahead  # the first may have been taken before the thread rested, or after
    seen = [frame.step for frame in slow]
    assert seen[-1] == 20 and seen == sorted(set(seen))
    assert held.batches == [[2]] * 20


def test_what_else_works_on_a_net_comes_between_two_steps(own):
    studio, held = own
    held.go()
    slow = frames(studio, steps=50)
    next(slow)
    done = studio.together.do(lambda: len(held.batches))
    assert done < 50 and [frame.step for frame in slow][-1] == 50


def test_who_leaves_disturbs_nobody_and_what_nobody_waits_for_ends(own):
    studio, held = own

    def leaves():
        yield next(frames(studio, guidance=1, seed=1))

    left, stays = at_once(own, leaves, {"guidance": 1, "seed": 2})
    assert len(left) == 1 and stays[-1].done and held.batches[0] == [2, 2] and len(held.batches) == 3
    many = frames(studio, count=3, steps=90)
    next(many)
    many.close()
    done = len(held.batches)
    list(frames(studio))
    later = [calls for calls in held.batches[done:] if calls != [2]]
    assert len(later) <= 1 and not studio.together._present()  # the call that was under way when he left


def test_what_is_no_longer_wanted_leaves_before_it_has_begun(own):
    studio, held = own

    def unwanted(begun):
        assert not begun
        raise InterruptedError

    context = copy_context()
    context.run(still_wanted.set, unwanted)
    with pytest.raises(InterruptedError):
        context.run(lambda: next(frames(studio)))
    held.go()
    list(frames(studio, seed=5))
    assert held.batches == [[2]] * 3


@pytest.mark.parametrize(("owner", "name", "told"), [(Denoiser, "forward", 2), (PDMPipeline, "sampling", 1)])
def test_an_error_is_told_to_whom_it_concerns_and_the_next_one_is_painted(own, monkeypatch, owner, name, told):
    studio, _ = own
    whole = getattr(owner, name)

    def broken(*args, **options):
        monkeypatch.setattr(owner, name, whole)
        raise MemoryError("out of memory")

    monkeypatch.setattr(owner, name, broken)
    both = at_once(own, {}, {"seed": 3})
    assert sum(isinstance(one, MemoryError) for one in both) == told
    assert len(list(frames(studio))) == 3


def test_films_and_explanations_go_the_same_way(own):
    studio, held = own
    held.go()
    assert painted(studio, null_condition(3, studio.base.dim), 1, 2).shape[0] == 3
    assert held.batches == [[3]] * 2
    request = resolved(studio, Request(count=2, steps=2))
    assert len(explained(studio, request, 1).timeline) == 2


def test_in_another_process_there_is_nobody_to_share_with(own):
    assert isinstance(pickle.loads(pickle.dumps(own[0].together)), Together)
