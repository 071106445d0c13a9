"""A page that is read-only shows nothing that uploads or votes, and everything else."""

from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.app.votes_closed import ClosedVotes
from pdm.ui import page as pages
from pdm.ui.judge.tab import BlindTab
from pdm.ui.shared.session import BatchHistory
from tests.one_model import OneModel

# Gradio's Blocks leave loops open.
pytestmark = pytest.mark.filterwarnings("ignore")
TAKES = {"canvas-load", "own-upload", "by-picture", "load-set", "open-png"}
TAKES |= {"vote-left", "vote-tie", "vote-both-bad", "vote-right"}


def shown(page) -> set[str]:
    """The element ids of what neither itself nor anything round it hides."""

    def seen(block) -> bool:
        return block is None or (getattr(block, "visible", True) is True and seen(block.parent))

    return {block.elem_id for block in page.blocks.values() if getattr(block, "elem_id", None) and seen(block)}


@pytest.fixture(scope="module")
def built(studio, tmp_path_factory):
    library, votes = OneModel(studio), ClosedVotes(tmp_path_factory.mktemp("votes") / "votes.sqlite")
    openings = SimpleNamespace(library=library, of=lambda name: BatchHistory())
    return SimpleNamespace(
        open=pages.build(library, "", votes, openings),
        closed=pages.build(library, "", votes, openings, read_only=True),
    )


def test_what_uploads_or_votes_is_not_shown_and_what_reads_and_paints_is(built):
    there, left = shown(built.open), shown(built.closed)
    assert there >= TAKES and there - left == TAKES
    assert left - there == {"which-is-which"}
    assert not [name for name in there if str(name).startswith("train")]  # which only an app that trains has
    texts = [str(block.value) for block in built.closed.blocks.values() if isinstance(block, gr.HTML | gr.Markdown)]
    for sentence in ("this app takes no files", "This app is read-only and takes no votes"):
        assert sum(sentence in text for text in texts) == 1


def test_a_pair_can_be_looked_at_and_its_methods_are_named_without_a_vote(studio, tmp_path):
    with gr.Blocks():
        votes = ClosedVotes(tmp_path / "votes.sqlite")
        tab = BlindTab(OneModel(studio), votes, gr.Dropdown([studio.name]), read_only=True)
    with pytest.raises(gr.Error, match="pair: expected one to ask about, got none"):
        tab.on_ask(None)
    *_, last = tab.on_next(studio.name, "One picture")
    pair = last[tab.pair]
    assert last[tab.buttons[0]]["interactive"] and len(tab.buttons) == 1
    told = tab.on_ask(pair)
    assert {pair.left.request.method, pair.right.request.method} < {"pdm", "rdm", "unconditional"}
    assert all("panel-title" in told[name] for name in tab.names) and told[tab.names[0]] != told[tab.names[1]]
    with pytest.raises(gr.Error, match="pair: expected one"):
        tab.on_ask(told[tab.pair])
