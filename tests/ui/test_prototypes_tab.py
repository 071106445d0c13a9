"""The Prototypes tab's handlers, called as its events call them: who paints, how strongly, and what is refused."""

from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch

from pdm.app.drag_film import drag_film
from pdm.app.painting import run
from pdm.app.refit import Layout
from pdm.app.requests import MAX_SEED, Request, resolved
from pdm.editing.edits import apply
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.ui.components.map_view import map_state
from pdm.ui.guard.turns import GATED
from pdm.ui.prototypes import blend_panel, painting, walk_panel
from pdm.ui.prototypes.tab import ExploreTab
from pdm.ui.shared.descriptions import star_title
from pdm.ui.shared.session import Batch, VisitorSets
from tests.one_model import OneModel
from tests.tiny import tiny_denoiser

HERE = SimpleNamespace(session_hash="visitor")


@pytest.fixture(scope="module")
def guided(bank, studio):
    """A model with a student, and with a guidance of its own other than 1."""
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler(), student=tiny_denoiser(1), guidance_scale=2.0)
    pipeline.set_progress_bar_config(disable=True)
    return replace(studio, name="guided", pdm=pipeline)


@pytest.fixture
def page(guided):
    """The tab on a page of its own: the blocks and the tab."""
    with gr.Blocks() as blocks:
        sets, model = gr.State(VisitorSets()), gr.Dropdown([guided.name], value=guided.name)
        tab = ExploreTab(OneModel(guided), sets, model)
    return blocks, tab


@pytest.fixture
def calls(monkeypatch):
    """The names of the nets' runs."""
    made = []

    def noted(name, function):
        def call(*arguments):
            made.append(name)
            return function(*arguments)

        return call

    for module, name in ((painting, "run"), (walk_panel, "painted"), (blend_panel, "painted")):
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    return made


def handlers(blocks) -> dict[str, list]:
    """The page's events by the names of their handlers."""
    found: dict[str, list] = {}
    for event in blocks.fns.values():
        found.setdefault(event.name, []).append(event)
    return found


def plain(handler):
    """What a handler does once it is its turn."""
    return getattr(handler, "__wrapped__", handler)


def edited(guided, operation, **arguments):
    return apply(guided.base, operation, arguments, guided.edit_context)[0]


def test_a_walk_is_guided_as_the_model_is_and_as_strongly_as_its_prototypes_say(guided):
    strong = edited(guided, "scale", id=1, value=1.6)
    shown_set, frames = guided.shown_set(strong), 2
    path, guidance = walk_panel.walk_path(shown_set, [1, 5], frames)
    assert guidance.tolist() == pytest.approx([2 * 1.6, 2 * 1.3, 2 * 1.0, 2 * 1.3])
    assert len(path) == len(guidance)


def test_a_frame_at_a_prototype_is_what_that_prototype_paints(guided, page, monkeypatch):
    strong, strips = edited(guided, "scale", id=1, value=1.6), []
    sets = VisitorSets().put(guided, VisitorSets().history(guided).do("stronger", strong))
    monkeypatch.setattr(walk_panel, "animation", lambda images, kind: strips.append(images) or b"")
    monkeypatch.setattr(walk_panel, "saved_file", lambda data, name: name)
    *_, last = page[1].walk.on_walk(sets, guided.name, [1, 5], 2, 7, "gif")
    assert last[page[1].walk.film]["value"] == "walk.gif"
    for row, star in ((0, 1), (2, 5)):
        request = resolved(guided, Request(prototypes=(star,), count=1, seed=7, prototype_set=strong))
        *_, alone = run(guided, request)
        unguided = resolved(guided, replace(request, guidance=1.0, prototype_set=None))
        *_, weak = run(guided, unguided)
        assert (strips[0][row].int() - alone.images[0].int()).abs().max() <= 1
        assert (strips[0][row].int() - weak.images[0].int()).abs().max() > 1


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 10**30, 2**70, 1.5, None, float("nan")])
def test_a_seed_that_no_generator_takes_is_refused_in_one_line(page, guided, seed):
    with pytest.raises(gr.Error) as error:
        list(page[1].walk.on_walk(VisitorSets(), guided.name, [1, 5], 2, seed, "gif"))
    message = error.value.message
    assert message.startswith(f"seed: expected a whole number from 0 to {MAX_SEED}, got ") and "\n" not in message
    assert len(message) < 120


@pytest.mark.parametrize("frames", [1, 17, 2.5, None])
def test_a_number_of_frames_that_is_not_offered_is_refused(page, guided, frames):
    with pytest.raises(gr.Error, match="frames: expected a whole number from 2 to 16, got"):
        list(page[1].walk.on_walk(VisitorSets(), guided.name, [1, 5], frames, 1, "gif"))


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


def test_a_star_that_is_not_chosen_cannot_be_painted_or_edited(page, guided):
    events = handlers(page[0])
    with pytest.raises(gr.Error, match="Choose a prototype first"):
        list(plain(events["on_paint"][0].fn)(VisitorSets(), guided.name, None, 0, HERE))
    duplicate = next(e for e in events["on_asked"] if e.targets[0][0] == page[1].panel.duplicate._id)
    with pytest.raises(gr.Error, match="Choose a prototype first"):
        duplicate.fn(VisitorSets(), guided.name, None)


def test_what_handlers_set_is_among_the_outputs_of_their_events(page, guided):
    _, tab = page
    studio, sets = guided, VisitorSets()
    shown_set = sets.shown_set(studio)
    inspected, edited_outputs = set(tab.inspected), set(tab.edited)
    assert set(tab.inspector.star_views(shown_set, 3)) <= inspected
    assert set(tab.inspector.region_views(shown_set, [1, 2, 3], [0])) <= inspected
    assert set(tab.inspector.place_views(shown_set, torch.zeros(1, 1, 16, 16, dtype=torch.uint8), "x")) <= inspected
    assert set(tab.set_views(studio, sets, 3)) <= edited_outputs
    assert set(tab.model_views(studio, sets)) == edited_outputs


def test_a_finished_layout_is_taken_into_the_sets_as_they_are_by_then_and_back_again(page, guided):
    _, tab = page
    sets = VisitorSets().put(guided, VisitorSets().history(guided).do("muted", edited(guided, "mute", ids=[2])))
    layout = Layout(guided.map.xy.flip(1).clone(), {})
    views = tab.refit.on_laid_out(sets, guided.name, 3, (), (guided.name, layout))
    laid_out = views[tab.visit.sets]
    assert laid_out.layout(guided) is layout and laid_out.now(guided) == sets.now(guided)
    assert "laid out with 8 prototypes" in views[tab.refit.line] and views[tab.refit.back]["interactive"]
    assert views[tab.star_map.view]["value"]["star"] == 3
    back = tab.refit.on_layout_back(laid_out, guided.name, None, ())
    assert back[tab.visit.sets].layout(guided) is None and not back[tab.refit.back]["interactive"]


def test_a_layout_of_another_model_leaves_the_map_that_is_shown_alone(page, guided):
    _, tab = page
    layout = Layout(guided.map.xy.clone(), {})
    views = tab.refit.on_laid_out(VisitorSets(), "another", None, (), (guided.name, layout))
    assert tab.star_map.view not in views and views[tab.visit.sets].layout(guided) is layout


def changed(page, guided, sets, operation, star=None, **arguments):
    """What the page shows after an edit, and the visitor's sets after it."""
    editing = plain(handlers(page[0])["on_drag"][0].fn).__self__
    views = editing._done(sets, sets.shown_set(guided), star, operation, arguments)
    return views, views[page[1].visit.sets]


def previewed(page, guided, sets, star) -> list[dict]:
    return list(plain(handlers(page[0])["on_preview"][0].fn)(sets, guided.name, star, 0, HERE))


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


def test_the_star_in_hand_is_named_and_not_the_one_that_was_chosen_before(page, guided):
    events, event = handlers(page[0]), SimpleNamespace(id=3, x=0.5, y=0.5)
    for name in ("on_dragging", "on_drop"):
        views = plain(events[name][0].fn)(VisitorSets(), guided.name, event)
        assert guided.base.get(3).name in views[page[1].inspector.title]


def test_a_lasso_round_nothing_says_so_and_nothing_is_picked_out_any_more(page, guided):
    _, tab = page
    event = SimpleNamespace(ids=[], stars=[])
    views = tab.inspector.on_lasso(VisitorSets(), guided.name, event)
    assert "No images inside" in views[tab.inspector.title] and views[tab.star_map.region] == ()
    assert views[tab.star_map.view]["images"] == []


def test_what_is_put_far_from_all_images_is_said_to_lie_elsewhere(page, guided, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    changed(page, guided, VisitorSets(), "add", point=guided.map.xy[0].tolist())
    assert said == []
    changed(page, guided, VisitorSets(), "add", point=[1000.0, 0.0])
    changed(page, guided, VisitorSets(), "move", 3, id=3, point=[1000.0, 0.0])
    assert said == ["No images are there: it lies with those that are nearest."] * 2


def test_a_picture_that_was_made_leads_to_the_prototypes_that_made_it(page, guided):
    images = np.zeros((1, 1, 16, 16), np.uint8)
    batch = Batch(guided.name, Request(), images, (((2, 0.2), (7, 0.7), (99, 0.1)),), 1.0, 1.0)
    views = page[1].made_picture(guided, VisitorSets(), batch, 0)
    assert [i["id"] for i in views[page[1].inspector.near]["items"]] == [7, 2]
    assert "The prototypes that made it" in views[page[1].inspector.near_title]


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


def test_a_visit_opens_with_the_star_of_the_film_chosen_and_its_pictures_beside_the_map(page, guided):
    tab, film, sets = page[1], drag_film(guided), VisitorSets()
    for views in (tab.set_views(guided, sets), tab.model_views(guided, sets)):
        opened = tab.opened(guided.shown_set(), views, film)
        view = opened[tab.star_map.view]
        assert set(opened) == set(views) and opened[tab.star_map.chosen] == film.star == view["tour"]["id"]
        assert len(view["tour"]["path"]) == 8 and ("base" in view) == ("base" in views[tab.star_map.view])
        grid = opened[tab.inspector.strips.painted]
        assert (len(grid["items"]), grid["columns"], grid["rows"]) == (8, 8, 8)
        assert tab.opened(guided.shown_set(), views, None) is views
