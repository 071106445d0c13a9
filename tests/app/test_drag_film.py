"""The star that is drawn over the map at first: where it goes, and what is painted on its way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from pdm.app.drag_film import PICTURES, PLACES, drag_film
from pdm.app.painting import run
from pdm.app.requests import resolved
from pdm.editing.edits import apply
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.ui.prototypes.painting import preview_request, sketch_request
from pdm.ui.shared.opening import Openings
from tests.one_model import OneModel
from tests.tiny import tiny_denoiser


@pytest.fixture(scope="module")
def quick(bank, studio):
    """A model with a student."""
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler(), student=tiny_denoiser(1))
    pipeline.set_progress_bar_config(disable=True)
    return replace(studio, name="quick", pdm=pipeline)


def test_the_first_star_of_all_lists_goes_to_one_of_another_class_and_begins_painted_in_full(quick):
    film, shown_set = drag_film(quick), quick.shown_set()
    assert film.star == shown_set.order[0]
    ends = {k for k, xy in shown_set.xy.items() if xy == pytest.approx(film.path[-1])}
    assert film.path[0] == pytest.approx(shown_set.xy[film.star]) and len(film.path) == PLACES
    assert ends and all(shown_set.classes[k] != shown_set.classes[film.star] for k in ends)
    *_, alone = run(quick, resolved(quick, preview_request(film.star, None)))
    assert len(film.images) == PLACES * PICTURES and torch.equal(film.images[:PICTURES], alone.images)


@pytest.mark.parametrize("name", ["quick", "studio"])  # with a student, and where the denoiser sketches
def test_on_its_way_it_is_sketched(name, request):
    studio = request.getfixturevalue(name)
    film, shown_set = drag_film(studio), studio.shown_set()
    move = {"id": film.star, "point": list(film.path[-1])}
    moved, _ = apply(shown_set.prototypes, "move", move, shown_set.edit_context)
    *_, alone = run(studio, resolved(studio, sketch_request(studio, film.star, moved)))
    assert torch.equal(film.images[-PICTURES:], alone.images)
    assert not torch.equal(film.images[:PICTURES], film.images[-PICTURES:])


def test_it_is_made_once_for_all_visitors(quick, monkeypatch):
    from pdm.ui.shared import opening

    made = []
    monkeypatch.setattr(opening, "drag_film", lambda studio: made.append(studio.name) or drag_film(studio))
    openings = Openings(OneModel(quick))
    with ThreadPoolExecutor(4) as visitors:  # at once: the first makes it, the others wait for it
        seen = list(visitors.map(openings.film, ["quick"] * 4))
    assert made == ["quick"] and seen[0].star == drag_film(quick).star and all(film is seen[0] for film in seen)
