"""Painting together: what is due first, and who leaves disturbs nobody."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from pdm.app.painting import explained, painted
from pdm.app.requests import Request, resolved
from pdm.app.together import LARGE, still_wanted
from pdm.model.conditioning import null_condition
from pdm.model.denoiser import Denoiser
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import SAMPLERS
from tests.app.held import at_once, frames, one_after_the_other, until, with_paper


def test_what_asks_the_same_net_shares_its_calls_and_nothing_else_does(own):
    guided, sampler, mix = {"guidance": 2.0}, {"sampler": "ddim"}, {"prototypes": (1, 2), "weights": (0.5, 0.5)}
    others = [{"count": 4, **o} for o in (guided, sampler, {"steps": 2}, {"seed": 9})]
    assert all(f[-1].done for f in at_once(own, *others, {"count": 1, **mix}, {"count": 3, "method": "rdm"}))
    shared = [calls for calls in own[1].batches if 4 in calls]
    assert shared == [[4] * 4, [4] * 4, [4] * 3]
    assert [calls for calls in own[1].batches if 4 not in calls] == [[1]] * 3 + [[3]] * 3


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
