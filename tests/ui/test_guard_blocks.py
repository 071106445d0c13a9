"""What a handler says nothing of costs nothing, and what is sent is what Gradio would send."""

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from pdm.ui.guard.blocks import GuardedBlocks
from tests.asynchronous import run

# Gradio's Blocks leave loops open.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def page():
    with GuardedBlocks() as page:
        parts = gr.Textbox(), gr.Dropdown(["x", "y"]), gr.State(1), gr.Markdown()
        page.load(lambda: None, None, [*parts])
        page.load(lambda: None, None, [*parts[:1]])
    return page, parts


def sent(blocks, page, event, said, state):
    return run(blocks.postprocess_data(page, page.fns[event], said, state))


@pytest.mark.parametrize("which", [(0,), (1,), (2,), (0, 2), (1, 3), (0, 1, 2, 3), ()])
def test_answers_are_those_of_gradio(page, which):
    page, parts = page

    def said():  # Gradio takes out of it what it has read
        values = ["new", gr.update(choices=["z"], value="z"), 5, "**bold**"]
        return {parts[i]: values[i] for i in which} or gr.skip()

    ours, theirs = SessionState(page), SessionState(page)
    assert sent(GuardedBlocks, page, 0, said(), ours) == sent(gr.Blocks, page, 0, said(), theirs)
    assert ours.state_data == theirs.state_data


def test_lists_and_single_outputs_go_on_as_before(page):
    page, _ = page
    said = ["new", gr.skip(), 5, gr.skip()]
    assert sent(GuardedBlocks, page, 0, said, SessionState(page)) == sent(gr.Blocks, page, 0, said, SessionState(page))
    assert sent(GuardedBlocks, page, 1, "one", SessionState(page)) == ["one"]


def test_nothing_is_made_anew_for_what_is_left_as_it_is(page, monkeypatch):
    page, (text, *_) = page
    monkeypatch.setattr(SessionState, "_update_config", lambda self, key: pytest.fail("a component was made anew"))
    state = SessionState(page)
    assert sent(GuardedBlocks, page, 0, {text: "new"}, state) == ["new", gr.skip(), None, gr.skip()]
