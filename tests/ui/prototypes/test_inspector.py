"""What is said and shown beside the map: of a star, a lasso, a picture, another layout, and at first."""

from types import SimpleNamespace

import numpy as np
import torch

from pdm.app.drag_film import drag_film
from pdm.app.refit import Layout
from pdm.app.requests import Request
from pdm.ui.shared.session import Batch, VisitorSets
from tests.ui.prototypes.handlers import edited


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


def test_a_lasso_round_nothing_says_so_and_nothing_is_picked_out_any_more(page, guided):
    _, tab = page
    event = SimpleNamespace(ids=[], stars=[])
    views = tab.inspector.on_lasso(VisitorSets(), guided.name, event)
    assert "No images inside" in views[tab.inspector.title] and views[tab.star_map.region] == ()
    assert views[tab.star_map.view]["images"] == []


def test_a_picture_that_was_made_leads_to_the_prototypes_that_made_it(page, guided):
    images = np.zeros((1, 1, 16, 16), np.uint8)
    batch = Batch(guided.name, Request(), images, (((2, 0.2), (7, 0.7), (99, 0.1)),), 1.0, 1.0)
    views = page[1].made_picture(guided, VisitorSets(), batch, 0)
    assert [i["id"] for i in views[page[1].inspector.near]["items"]] == [7, 2]
    assert "The prototypes that made it" in views[page[1].inspector.near_title]


def test_a_visit_opens_with_the_star_of_the_film_chosen_and_its_pictures_beside_the_map(page, guided):
    tab, film, sets = page[1], drag_film(guided), VisitorSets()
    for views in (tab.set_views(guided, sets), tab.model_views(guided, sets)):
        opened = tab.opened(guided.shown_set(), views, film)
        view = opened[tab.star_map.view]
        assert set(opened) == set(views) and opened[tab.star_map.chosen] == film.star == view["tour"]["id"]
        assert len(view["tour"]["path"]) == 8 and ("base" in view) == ("base" in views[tab.star_map.view])
        grid = opened[tab.inspector.strips.painted]
        assert (len(grid["items"]), grid["columns"], grid["rows"]) == (8, 8, 8)
        assert f"8 pictures from {guided.shown_set().names[film.star]}" in opened[tab.inspector.strips.line]
        assert tab.opened(guided.shown_set(), views, None) is views


def test_beside_the_map_of_a_model_without_a_film_its_first_pictures_stand(page, guided):
    tab, sets = page[1], VisitorSets()
    batch = Batch(guided.name, Request(), np.zeros((16, 1, 16, 16), np.uint8), ((),) * 16, 1.0, 1.0)
    for views in (tab.set_views(guided, sets), tab.model_views(guided, sets)):
        opened, strips = tab.opened(guided.shown_set(), views, None, batch), tab.inspector.strips
        assert set(opened) == set(views) and len(opened[strips.painted]["items"]) == 8
        assert "What this model paints" in opened[strips.painted_title] and opened[tab.star_map.chosen] is None
