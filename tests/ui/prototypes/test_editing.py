"""Edits on the Prototypes tab: what they change, and what is asked for where something is missing."""

import gradio as gr
import pytest

from pdm.ui.components.map_view import map_state
from pdm.ui.shared.descriptions import star_title
from pdm.ui.shared.session import VisitorSets
from tests.ui.prototypes.handlers import HERE, changed, handlers, plain


def test_a_star_that_is_not_chosen_cannot_be_painted_or_edited(page, guided):
    events = handlers(page[0])
    with pytest.raises(gr.Error, match="Choose a prototype first"):
        list(plain(events["on_paint"][0].fn)(VisitorSets(), guided.name, None, 0, HERE))
    duplicate = next(e for e in events["on_asked"] if e.targets[0][0] == page[1].panel.duplicate._id)
    with pytest.raises(gr.Error, match="Choose a prototype first"):
        duplicate.fn(VisitorSets(), guided.name, None)


def test_a_moved_star_has_the_share_of_where_it_is(page, guided):
    _, sets = changed(page, guided, VisitorSets(), "move", 3, id=3, images=[0])
    shown_set = sets.shown_set(guided)
    counted = {k: float((shown_set.nearest == k).mean()) for k in shown_set.prototypes.ids}
    home = {k: float((guided.shown_set().nearest == k).mean()) for k in counted}
    for k, share in shown_set.shares.items():
        assert share == pytest.approx(max(0, guided.base.get(k).usage + counted[k] - home[k]), abs=1e-9)
    assert shown_set.shares[3] != shown_set.usage[3] and guided.shown_set().shares == guided.shown_set().usage
    assert f"{100 * shown_set.shares[3]:.1f} %" in star_title(shown_set, 3)
    assert f"{100 * shown_set.shares[3]:.1f} %" in [s["share"] for s in map_state(shown_set)["stars"]]


def test_an_answer_leaves_alone_what_is_typed_for_a_star_that_stays_chosen_and_keeps_its_name(page, guided):
    """A name typed while an edit of the same star is on its way; another star, or a new name, replaces it."""
    events, panel, sets = handlers(page[0]), page[1].panel, VisitorSets()

    def asked(button, star, *values) -> dict:
        return next(e for e in events["on_asked"] if e.targets[0][0] == button._id).fn(sets, guided.name, star, *values)

    for views in (asked(panel.mute, 3), asked(panel.strength, 3, 2.0)):
        assert views[panel.name] == views[panel.tags] == gr.skip() and views[page[1].chosen] == 3
    sets = asked(panel.name, 3, "Other")[page[1].visit.sets]
    assert asked(panel.mute, 3)[panel.name] == gr.skip()
    assert plain(events["on_undo"][0].fn)(sets, guided.name, 3)[panel.name] == guided.base.get(3).name
    assert asked(panel.name, 3, "Third")[panel.name] == "Third" and asked(panel.tags, 3, "t")[panel.tags] == "t"
    assert (
        asked(panel.duplicate, 3)[panel.name]
        != gr.skip()
        != page[1].inspector.star_views(sets.shown_set(guided), 3)[panel.name]
    )


def test_keeping_a_blend_leaves_what_was_chosen_and_has_the_strength_that_was_asked_for(page, guided):
    _, tab = page
    lists = [*tab.blend.outputs, *tab.walk.outputs]
    views, sets = changed(page, guided, VisitorSets(), "blend", a=1, b=5, t=0.5, strength=1.0)
    assert all("value" not in views[each] for each in lists) and sets.now(guided).get(8).scale == 1
    assert len(lists) == 4 and all("choices" in views[each] for each in lists)
    views, _ = changed(page, guided, sets, "remove", ids=[1])  # one of them may be chosen
    assert all(not views[each]["value"] for each in lists)
    keep = next(e for e in handlers(page[0])["on_asked"] if e.targets[0][0] == tab.blend.keep._id)
    kept = keep.fn(VisitorSets(), guided.name, None, 1, 5, 0.5, 2.0)[tab.visit.sets]
    assert kept.now(guided).get(8).scale == 2
    *_, film = tab.blend.on_film(VisitorSets(), guided.name, 1, 5, 2.0)
    *_, weaker = tab.blend.on_film(VisitorSets(), guided.name, 1, 5, 1.0)
    assert film[tab.blend.film]["sheet"] != weaker[tab.blend.film]["sheet"]


def test_what_is_put_far_from_all_images_is_said_to_lie_elsewhere(page, guided, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    changed(page, guided, VisitorSets(), "add", point=guided.map.xy[0].tolist())
    assert said == []
    changed(page, guided, VisitorSets(), "add", point=[1000.0, 0.0])
    changed(page, guided, VisitorSets(), "move", 3, id=3, point=[1000.0, 0.0])
    assert said == ["No images are there: it lies with those that are nearest."] * 2


def test_what_is_missing_is_asked_for_in_plain_words(page, guided):
    blend, panel, asked = page[1].blend, page[1].panel, handlers(page[0])["on_asked"]

    def refused(button, *values) -> str:
        edit = next(e for e in asked if e.targets[0][0] == button._id)
        with pytest.raises(gr.Error) as error:
            edit.fn(VisitorSets(), guided.name, 3, *values)
        return error.value.message

    assert refused(blend.keep, 1, None, 0.5, 1.0) == "Choose A and B first."
    assert refused(blend.keep_analogy, 1, 2, None) == "Choose A, B and C first."
    assert refused(panel.merge, []) == refused(panel.merge, [3]) == "Choose two or more prototypes to merge first."
    assert refused(panel.move, None, 0.5) == "Choose where to move it first."
    assert refused(panel.add_mean, ()) == "Draw a lasso round some images first, or choose them from the list."
    with pytest.raises(gr.Error, match=r"Choose A and B first\."):
        list(blend.on_film(VisitorSets(), guided.name, None, 5, 1.0))


def test_a_muted_star_is_not_offered_to_paint_from(page, guided):
    inspector = page[1].inspector
    for muted in (True, False):
        views, _ = changed(page, guided, VisitorSets(), "mute", 3, ids=[3 if muted else 4])
        assert (
            views[inspector.strips.paint]["interactive"] is not muted and views[inspector.pick]["visible"] is not muted
        )
