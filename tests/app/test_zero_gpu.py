"""Painting in a Space's GPU workers: what travels is small, and when the GPU is refused the CPU paints and says so."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from pdm.app import painting
from pdm.app.painting import seconds_needed
from pdm.app.requests import Request, resolved
from pdm.app.zero_gpu import REFUSED, tell
from pdm.model.conditioning import Condition
from tests.spaces_stand_in import Spaces
from tests.tiny import random_condition


@pytest.fixture
def spaces(monkeypatch) -> Spaces:
    """Ten seconds of GPU: enough for one call of each function, which declares six."""
    spaces = Spaces(quota=10)
    for name in ("run", "explain", "paint"):
        wrapped = spaces.GPU(duration=seconds_needed)(getattr(painting, f"_{name}"))
        monkeypatch.setattr(painting, f"_{name.upper()}", wrapped)
    return spaces


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []
    token = tell.set(lines.append)
    yield lines
    tell.reset(token)


def condition() -> Condition:
    return random_condition(2)


WORK = {
    "painting": lambda studio, asked: [frame.images for frame in painting.run(studio, asked)],
    "explanation": lambda studio, asked: [painting.explained(studio, asked, 0).timeline],
    "walk": lambda studio, asked: [painting.painted(studio, condition(), 1, 2)],
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_the_gpu_paints_while_there_is_quota_then_the_cpu_does_and_says_so(studio, spaces, said, work):
    loaded = []

    def on_cpu():
        loaded.append(True)
        return studio

    here, asked = replace(studio, on_cpu=on_cpu), resolved(studio, Request("pdm", count=2, steps=2, seed=5))
    first = work(here, asked)
    assert said == [] and not loaded and spaces.quota == 4
    assert max(spaces.sent) < 20_000  # the request, and no net
    second = work(here, asked)
    assert said == [REFUSED] and loaded == [True] and spaces.quota == 4
    assert all(map(torch.equal, first, second)) and len(first) == len(second)


def test_a_wrong_request_is_refused_in_its_own_words(studio, spaces, said):
    here = replace(studio, on_cpu=lambda: studio)
    with pytest.raises(ValueError, match="sampler"):
        list(painting.run(here, Request("pdm", count=1, steps=2, guidance=1.0, sampler="none")))
    assert said == []


def test_where_there_is_no_other_device_the_refusal_is_told(studio, spaces):
    spaces.quota = 0
    with pytest.raises(Exception, match="exceeded your GPU quota"):
        list(painting.run(studio, resolved(studio, Request("pdm", count=1, steps=1))))
