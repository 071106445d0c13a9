"""A link to a picture: whoever opens it gets the very same one, and a damaged link says so."""

import random
from urllib.parse import parse_qsl

import gradio as gr
import pytest
import torch

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.editing.edits import apply
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.shared import link
from pdm.ui.shared.session import BatchHistory, VisitorSets, finished
from tests.one_model import OneModel

EDITS = (
    ("move", lambda r: {"id": 3, "point": [r.uniform(-3, 3), r.uniform(-3, 3)]}),
    ("blend", lambda r: {"a": 1, "b": 5, "t": round(r.random(), 2)}),
    ("scale", lambda r: {"id": 5, "value": round(r.uniform(0.5, 2), 1)}),
    ("rename", lambda r: {"id": 4, "name": "Ünïcode & co"}),
    ("remove", lambda r: {"ids": [2]}),
    ("mute", lambda r: {"ids": [6]}),
)


def edited(studio, r: random.Random):
    """The model's own set, or one that up to three edits made."""
    prototypes = studio.base
    for operation, given in r.sample(EDITS, r.choice((0, 1, 3))):
        prototypes = apply(prototypes, operation, given(r), studio.edit_context)[0]
    return prototypes


def random_request(studio, r: random.Random) -> Request:
    prototypes = edited(studio, r)
    ids = tuple(r.sample(prototypes.active, r.randrange(4)))
    return resolved(
        studio,
        Request(
            prototypes=ids,
            weights=tuple(r.uniform(0.05, 1) for _ in ids),
            negative=tuple(r.sample(prototypes.active, r.choice((0, 0, 2)))),
            count=r.randint(1, 4),
            seed=r.randrange(2**32),
            steps=r.randint(1, 4),
            guidance=round(r.uniform(0, 4), 2),
            sampler=r.choice(studio.pdm.samplers),
            prototype_set=None if prototypes == studio.base else prototypes,
        ),
    )


def opened(studio, text, sets=None):
    """What a visitor gets who opens a link."""
    return link.picture(studio, (sets or VisitorSets()).history(studio), dict(parse_qsl(text)))


def painted(studio, request) -> torch.Tensor:
    *_, last = run(studio, request)
    return last.images


def test_thirty_shared_pictures_equal_those_of_the_sender(studio, record_property):
    r, equal, sets = random.Random(5), 0, 0
    for _ in range(30):
        request = random_request(studio, r)
        index = r.randrange(request.count)
        text, apart = link.to_picture(studio, request, index)
        found, picture = opened(studio, text)
        assert picture == index and not apart and found.prototype_set == request.prototype_set
        equal += torch.equal(painted(studio, found), painted(studio, request))
        sets += request.prototype_set is not None
    record_property("page.shared_pictures_equal", equal)
    assert equal == 30 and sets >= 10


def test_a_set_too_large_for_an_address_goes_as_a_file_and_the_link_waits_for_it(studio, monkeypatch):
    monkeypatch.setattr(link, "LONGEST", 100)
    moved = apply(studio.base, "move", {"id": 3, "point": [0.0, 0.0]}, studio.edit_context)[0]
    request = resolved(studio, Request(prototypes=(3,), count=2, prototype_set=moved))
    text, apart = link.to_picture(studio, request, 1)
    assert apart and len(text) < 250
    with pytest.raises(ValueError, match="Load the file that came with it"):
        opened(studio, text)
    loaded = VisitorSets().put(studio, VisitorSets().history(studio).do("loaded", moved).do("reset", studio.base))
    assert opened(studio, text, loaded) == (request, 1)
    with gr.Blocks():
        tab = GenerateTab(OneModel(studio), BatchHistory(), gr.State(VisitorSets()), gr.Dropdown([studio.name]))
    *_, last = run(studio, request)
    views = tab.detail.on_share(BatchHistory().made(finished(studio, request, last)), 1)
    assert views[tab.detail.address] == {"query": text, "note": link.FILE_NOTE}
    assert views[tab.detail.file]["name"] == f"{studio.name}-{moved.digest}.safetensors"


def test_a_link_to_no_picture_asks_for_none_and_a_damaged_one_says_what_is_wrong(studio):
    assert opened(studio, "") is None and opened(studio, "model=tiny&seed=3") is None
    base = resolved(studio, Request(prototypes=(3,), count=2))
    params = dict(parse_qsl(link.to_picture(studio, base, 1)[0]))
    assert link.picture(studio, VisitorSets().history(studio), params) == (base, 1)
    fields = [field for field in params if field not in ("model", "weights")]  # equal weights are good ones
    broken = [{field: v} for field in fields for v in ("", "x", "-1", "9" * 30, "nan", "1e999")]
    broken.remove({"prototypes": ""})  # a link to pictures of mixes of their own
    broken += [{"set": v} for v in ("x", "A" * 5000, "eJxLTEpOSU1LBwAI2gJX", "é", "eJyrrgUAAXUA+Q")]
    for wrong in broken:
        with pytest.raises(ValueError, match="^[^\n]+$"):
            link.picture(studio, VisitorSets().history(studio), params | wrong)


def test_prototypes_that_swell_are_cut_off(studio):
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * 50_000_000, 9)).decode()
    with pytest.raises(ValueError, match="link: expected whole prototypes"):
        opened(studio, f"model=tiny&seed=1&steps=2&guidance=1&sampler=ddim&count=1&picture=0&set={bomb}")
