"""Favourites: pictures that come back with their recipes after a reload, bounded, and removed one by one."""

import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from pdm.app.painting import run
from pdm.app.requests import MAX_SEED, Request, resolved
from pdm.editing.edits import apply
from pdm.ui.generate.favourites import EMPTY, NONE, single
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.shared.session import MAX_BATCHES, BatchHistory, VisitorSets, finished
from tests.one_model import OneModel


def painted(studio, **asked):
    request = resolved(studio, Request(steps=2, **asked))
    *_, last = run(studio, request)
    return finished(studio, request, last)


@pytest.fixture(scope="module")
def batch(studio):
    """Pictures of an edited set."""
    edited = apply(studio.base, "move", {"id": 3, "point": [0.0, 0.0]}, studio.edit_context)[0]
    return painted(studio, prototypes=(3, 5), prototype_set=edited, count=4, seed=7)


@pytest.fixture(scope="module")
def tab(studio):
    with gr.Blocks():
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        return GenerateTab(OneModel(studio), BatchHistory(), sets, model)


NOBODY = BatchHistory(shown=NONE)


def kept(tab, batch, *places, none=NOBODY) -> tuple[BatchHistory, list]:
    """The favourites after pictures of a batch were kept, and what the browser keeps, by way of JSON."""
    for place in places:
        views = tab.favourites.on_keep(none, BatchHistory().made(batch), place)
        none = views[tab.favourites.made]
    return none, json.loads(json.dumps(views[tab.favourites.kept]))


def seeds(favourites):
    return [b.request.seed for b in favourites.batches]


def test_a_picture_that_is_kept_comes_back_and_its_recipe_makes_the_very_same(tab, studio, batch):
    favourites, stored = kept(tab, batch, 1, 3, 1)
    assert seeds(favourites) == [8, 10] and favourites.shown == 0
    back = tab.favourites.kept_views(stored, studio)
    again = back[tab.favourites.made].batches
    assert len(back[tab.favourites.grid]["items"]) == 2 and back[tab.favourites.made].shown == NONE
    for one, place in zip(again, (1, 3), strict=True):
        assert (one.images[0] == batch.images[place]).all() and one.evidence == (batch.evidence[place],)
        *_, last = run(studio, one.request)
        assert np.abs(last.images.numpy().astype(int) - batch.images[place]).max() <= 1


def test_a_favourite_of_mixes_of_its_own_is_the_same_alone_as_among_others(studio):
    own = painted(studio, count=3, seed=40)
    one = single(own, 2)
    *_, last = run(studio, one.request)
    assert np.abs(last.images.numpy().astype(int) - own.images[2]).max() <= 1 and one.request.seed == 42


def test_the_oldest_go_where_there_are_too_many(tab, studio, batch):
    favourites = BatchHistory(shown=NONE)
    for seed in range(MAX_BATCHES + 2):
        other = replace(batch, request=replace(batch.request, seed=seed))
        favourites, stored = kept(tab, other, 0, none=favourites)
    assert seeds(favourites) == [*range(MAX_BATCHES + 1, 1, -1)] and len(stored) == MAX_BATCHES


def test_an_opened_favourite_joins_the_pictures_of_the_visit_once_and_can_be_removed(tab, studio, batch):
    favourites, _ = kept(tab, batch, 1, 3)
    opening = next(
        fn for fn in tab.made.parent.fns.values() if fn.name == "on_open" and tab.favourites.made in fn.inputs
    )
    made = BatchHistory((batch,), opening=True)
    for _ in range(2):
        views = opening.fn(favourites, made, SimpleNamespace(id=1))
        made = views[tab.made]
        assert seeds(made) == [8, 7] and made.shown == 0 and len(made.batch) == 1
    assert views[tab.favourites.grid]["selected"] == [1] and set(views) <= {*opening.outputs}
    again, settings = tab.on_again(made, VisitorSets(), studio.name), tab.settings
    assert (again[settings.count], again[settings.seed]) == (1, 8) and settings.locked not in again
    # As a browser keeps it.
    part = BatchHistory((replace(batch, images=batch.images[:1], evidence=batch.evidence[:1]),))
    assert tab.on_again(part, VisitorSets(), studio.name)[settings.count] == 4
    removed = tab.favourites.on_remove(views[tab.favourites.made])
    assert seeds(removed[tab.favourites.made]) == [10] and not removed[tab.favourites.remove]["interactive"]
    none = tab.favourites.on_remove(replace(removed[tab.favourites.made], shown=0))
    assert none[tab.favourites.grid]["empty"] == EMPTY and none[tab.favourites.kept] == []
    for wrong in (-1, 5, True, "x", None, 1.0):
        with pytest.raises(gr.Error, match="favourite: expected"):
            opening.fn(favourites, made, SimpleNamespace(id=wrong))
    with pytest.raises(gr.Error, match="favourite: expected"):
        tab.favourites.on_remove(favourites if favourites.shown == NONE else replace(favourites, shown=NONE))


def test_what_cannot_be_kept_is_said(tab, batch):
    with pytest.raises(gr.Error, match="Paint some pictures first"):
        tab.favourites.on_keep(BatchHistory(), BatchHistory(), 0)
    late = replace(batch, request=replace(batch.request, seed=MAX_SEED))
    with pytest.raises(gr.Error, match="seed: expected"):
        tab.favourites.on_keep(BatchHistory(), BatchHistory().made(late), 1)


def test_favourites_of_a_model_that_is_not_there_wait_for_it(tab, studio, batch, monkeypatch):
    _, stored = kept(tab, batch, 1)
    library = OneModel(studio)
    library.names = [studio.name, "another"]
    monkeypatch.setattr(tab.favourites, "library", library)
    waiting = tab.favourites.kept_views(stored, replace(studio, name="another"))[tab.favourites.made]
    assert waiting.batches == () and len(waiting.unread) == 1
    there = tab.favourites.on_model(waiting, studio.name)[tab.favourites.made]
    assert seeds(there) == [8] and there.unread == ()
    assert tab.favourites.grid not in tab.favourites.on_model(there, studio.name)
