"""The pictures that are kept for an undo: bounded, and asked by many visitors at once."""

import threading
import time
from collections import OrderedDict

import pytest
import torch

from pdm.ui.shared import previews as module
from pdm.ui.shared.previews import Previews, preview_request

VISITORS, TIMES = 4, 40


class Slow(OrderedDict):
    """Lets other threads go first between a look at what is kept and what follows from it."""

    def move_to_end(self, key, last=True):
        time.sleep(0.0005)
        super().move_to_end(key, last)

    def popitem(self, last=True):
        time.sleep(0.0005)
        return super().popitem(last)


def picture(value: int) -> torch.Tensor:
    return torch.full((8, 1, 2, 2), value, dtype=torch.uint8)


def visited(previews: Previews, studio) -> list:
    """What visitors get who all remember and look up a prototype of their own at the same time: pictures or errors."""
    shown_set, got = studio.shown_set(), []

    def visit(star: int) -> None:
        request = preview_request(star, None)
        for _ in range(TIMES):
            try:
                previews.remember(shown_set, request, picture(star))
                found = previews.known(shown_set, request)
                got.append((star, None if found is None else int(found[0, 0, 0, 0])))
            except Exception as error:
                got.append((star, error))

    threads = [threading.Thread(target=visit, args=(star,)) for star in range(VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(module, "OrderedDict", Slow)


def test_many_visitors_at_once_get_what_they_have_just_remembered(studio, slow):
    got = visited(Previews(kept=VISITORS), studio)
    assert len(got) == VISITORS * TIMES and all(found == star for star, found in got)


def test_visitors_who_push_each_others_pictures_out_get_no_error(studio, slow):
    assert all(found in (star, None) for star, found in visited(Previews(kept=1), studio))


def test_the_preview_used_longest_ago_is_forgotten(studio):
    previews, shown_set = Previews(kept=2), studio.shown_set()
    requests = [preview_request(star, None) for star in range(3)]
    for star in (0, 1):
        previews.remember(shown_set, requests[star], picture(star))
    assert previews.known(shown_set, requests[0]) is not None
    previews.remember(shown_set, requests[2], picture(2))
    assert [previews.known(shown_set, r) is None for r in requests] == [False, True, False]


def test_two_owners_know_nothing_of_each_other(studio):
    first, second, request = Previews(), Previews(), preview_request(0, None)
    first.remember(studio.shown_set(), request, picture(0))
    assert second.known(studio.shown_set(), request) is None
