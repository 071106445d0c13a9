"""What the Compare tab says a method costs beside its time."""

from dataclasses import replace

from pdm.ui.compare.bars import cost_bars, seen_bars, size_bars


def test_bars_say_what_each_net_saw_and_the_null_branch_counts_as_pdm(studio):
    known = replace(studio, images_seen={"pdm": 1000, "rdm": 500})
    text = seen_bars(known, {"unconditional", "rdm", "pdm"})
    assert text.index(">PDM<") < text.index(">RDM<") < text.index(">Unconditional<")
    assert text.count("1,000") == 2 and text.count(">500<") == 1
    assert seen_bars(known, {"pdm"}) in cost_bars(known, {"pdm"})


def test_bars_of_bytes_have_one_order_whatever_was_painted_first(studio):
    text = size_bars(studio, ["unconditional", "rdm", "pdm"])
    assert text.index("PDM, disk") < text.index("PDM, RAM") < text.index("RDM, disk") < text.index("RDM, RAM")
    assert "Unconditional" not in text


def test_an_unconditional_net_of_its_own_counts_as_itself(studio):
    own = replace(studio, others={"unconditional": studio.pdm}, images_seen={"pdm": 1000, "unconditional": 7})
    assert ">7<" in seen_bars(own, {"unconditional"}) and "1,000" not in seen_bars(own, {"unconditional"})


def test_without_cards_nothing_is_said(studio):
    assert seen_bars(replace(studio, images_seen={}), {"pdm", "rdm"}) == ""
