"""A walk: as strongly guided as its prototypes are, and what is refused."""

from dataclasses import replace

import gradio as gr
import pytest

from pdm.app.painting import run
from pdm.app.requests import MAX_SEED, Request, resolved
from pdm.ui.prototypes import walk_panel
from pdm.ui.shared.session import VisitorSets
from tests.ui.prototypes.handlers import edited


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
