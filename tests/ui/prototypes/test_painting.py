"""Who paints on the Prototypes tab, when, and what is shown before and after."""

from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.ui.guard.turns import GATED
from pdm.ui.shared.session import VisitorSets
from tests.ui.prototypes.handlers import HERE, changed, edited, handlers, plain, previewed


def test_every_event_that_runs_a_net_waits_for_its_turn(page):
    blocks, _ = page
    events = handlers(blocks)
    for name in ("on_dragging", "on_drop", "on_paint", "on_preview", "on_film", "on_walk"):
        assert all(hasattr(e.fn, GATED) for e in events[name]), name


def test_an_edit_runs_no_net_and_shows_the_sketch_that_was_made_when_the_star_was_dropped(page, guided, calls):
    _, tab = page
    blocks_events = handlers(page[0])
    drop, drag = (plain(blocks_events[name][0].fn) for name in ("on_drop", "on_drag"))
    event = SimpleNamespace(id=3, x=0.5, y=0.5)
    views = drop(VisitorSets(), guided.name, event)
    assert calls == ["run"]
    editing = drag.__self__
    place = views[editing.painting.dropped]
    changed = drag(VisitorSets(), guided.name, place)
    assert calls == ["run"]
    strips = tab.inspector.strips
    assert changed[strips.painted] == views[strips.painted]
    sets = changed[tab.visit.sets]
    undone = editing.on_undo(sets, guided.name, 3)  # what it paints now is not known yet
    assert calls == ["run"] and undone[strips.painted]["items"] == []


def test_edits_asked_for_by_buttons_run_no_net(page, guided, calls):
    events = handlers(page[0])
    duplicate = next(e for e in events["on_asked"] if e.targets[0][0] == page[1].panel.duplicate._id)
    changed = duplicate.fn(VisitorSets(), guided.name, 3)
    assert calls == [] and changed[page[1].star_map.chosen] == 8


def test_after_an_edit_the_student_sketches_then_the_denoiser_paints_and_both_ends_are_compared(page, guided, calls):
    _, tab = page
    painter = plain(handlers(page[0])["on_preview"][0].fn).__self__
    moved = edited(guided, "move", id=3, point=[0.5, 0.5])
    sets = VisitorSets().put(guided, VisitorSets().history(guided).do("moved", moved))
    painter.previews = type(painter.previews)(kept=1)  # so few that the pictures made first are gone at the end
    first, *_, last = painter.on_preview(sets, guided.name, 3, 0, HERE)
    strips = tab.inspector.strips
    assert "sketched by the student, 2 steps" in first[strips.line] and len(first[strips.painted]["items"]) == 8
    assert calls == ["run"] * 4  # student and denoiser, after and before
    assert len(last[strips.slider]["value"]) == 2


def test_the_line_names_the_prototype_that_was_added_not_the_one_that_was_near(page, guided):
    _, sets = changed(page, guided, VisitorSets(), "add", images=[1, 2])
    strips = page[1].inspector.strips
    *_, last, _ = previewed(page, guided, sets, 8)
    assert "8 pictures from New 1, and what was there before" in last[strips.line]


@pytest.mark.parametrize(
    "edit", [("rename", {"id": 3, "name": "X"}), ("duplicate", {"id": 3}), ("tag", {"id": 3, "tags": ["x"]})]
)
def test_an_edit_that_changes_no_picture_shows_no_before_and_after(page, guided, calls, edit):
    views, sets = changed(page, guided, VisitorSets(), edit[0], 3, **edit[1])
    strips = page[1].inspector.strips
    first, *rest = previewed(page, guided, sets, views[page[1].star_map.chosen])
    assert first[strips.before_title] == "" and "What it paints" in first[strips.painted_title]
    assert not any(strips.before in view or strips.slider in view for view in rest) and calls == ["run"] * 2


def test_after_muting_and_an_undo_of_something_else_the_same_pictures_are_not_shown_twice(page, guided):
    sets = VisitorSets()
    for muted in (True, False):
        _, sets = changed(page, guided, sets, "mute", 3, ids=[3], muted=muted)
    _, sets = changed(page, guided, sets, "move", 5, id=5, point=[0.5, 0.5])
    undone = plain(handlers(page[0])["on_undo"][0].fn)(sets, guided.name, 3)[page[1].visit.sets]
    for each in (sets, undone):
        assert not any(page[1].inspector.strips.before in view for view in previewed(page, guided, each, 3))


def test_the_star_in_hand_is_named_and_not_the_one_that_was_chosen_before(page, guided):
    events, event = handlers(page[0]), SimpleNamespace(id=3, x=0.5, y=0.5)
    for name in ("on_dragging", "on_drop"):
        views = plain(events[name][0].fn)(VisitorSets(), guided.name, event)
        assert guided.base.get(3).name in views[page[1].inspector.title]


def test_a_star_shows_what_it_paints_when_it_is_clicked_and_at_once_where_that_is_known(page, guided, calls):
    tab, chosen = page[1], plain(handlers(page[0])["on_chosen"][0].fn)
    inspector, strips = tab.inspector, tab.inspector.strips
    assert inspector.star_views(guided.shown_set(), 3)[strips.painted]["items"] == []
    shown = chosen(VisitorSets(), guided.name, 3)
    assert len(shown[strips.painted]["items"]) == 8 and "sketched by the student, 2 steps" in shown[strips.line]
    at_once = inspector.star_views(guided.shown_set(), 3)
    assert at_once[strips.painted] == shown[strips.painted] and "What it paints" in at_once[strips.painted_title]
    assert chosen(VisitorSets(), guided.name, None) == chosen(VisitorSets(), guided.name, 99) == gr.skip()
    assert calls == ["run"]
    followed = {fn.trigger_after for fn in page[0].fns.values() if fn.name == "on_chosen"}
    assert {page[0].fns[number].name for number in followed} == {"on_star", "on_name", "on_enter"} and len(
        followed
    ) == 5


def test_a_star_under_the_pointer_sends_its_pictures_to_the_card(page, guided, calls):
    tab, peek = page[1], plain(handlers(page[0])["on_peek"][0].fn)
    for _ in range(2):
        look = peek(VisitorSets(), guided.name, SimpleNamespace(id=3))[tab.star_map.view]["look"]
    assert look["id"] == 3 and look["sheet"].startswith("data:image/png") and calls == ["run"]
    with pytest.raises(gr.Error, match="prototypes: expected"):
        peek(VisitorSets(), guided.name, SimpleNamespace(id=99))


def test_what_is_painted_of_one_star_ends_when_something_else_is_chosen(page):
    events = page[0].fns
    painting = {number for number, fn in events.items() if fn.name in ("on_preview", "on_paint")}
    choosing = {
        target for fn in events.values() if fn.name in ("on_star", "on_image", "on_lasso") for target in fn.targets
    }
    ending = {target for fn in events.values() if painting <= {*fn.cancels} for target in fn.targets}
    assert len(painting) == 2 and len(choosing) == 6 and choosing < ending


def test_of_two_stars_under_the_pointer_both_are_asked_for(page):
    assert {event.trigger_mode for event in handlers(page[0])["on_peek"]} == {"multiple"}
