"""The catalogues of words: each entry is whole and of use, and its file reaches the browser."""

import ast
import json
import re
from pathlib import Path

import gradio as gr
import pytest
from gradio.data_classes import _StaticFiles
from gradio.routes import App
from starlette.testclient import TestClient

import pdm
from pdm.experiments.ablation import rows as ablation
from pdm.experiments.bench import bench_table
from pdm.ui.words.catalogues import CATALOGUES, script
from tests.ui.german import Known
from tests.ui.test_card import answered

TABS = ("canvas", "compare", "generate", "judge", "prototypes", "results", "shared", "train")
PARTS = {"Button", "UploadButton", "Tab", "Accordion", "Error", "heading", "status"}  # what is called with words
SPOTS = {"label", "info", "placeholder", "empty", "title"}
SOURCE = Path(pdm.__file__).parent
HOLE = re.compile(r"\{(\w+)\}")
# Those of Gradio itself that it has in English alone, or in a politer German than the page's.
GRADIO = {
    "Close", "Collapse", "Copy", "Dropdown", "Error", "Expand", "File upload", "Gradio footer navigation",
    "Laden Sie ein Bild hier ab, um es hochzuladen.", "Line number {n}", "More tabs", "Paste from clipboard",
    "Reset to default value", "Stop Recording", "Upload file", "Value {value} is greater than maximum value {most}.",
    "Value {value} is less than minimum value {least}.", "number input for {what}", "range slider for {what}",
}  # fmt: skip


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.stem)
def catalogue(request) -> dict[str, str]:
    pairs = json.loads(request.param.read_text(), object_pairs_hook=list)
    assert [english for english, _ in pairs] == sorted({english for english, _ in pairs})  # in order, none twice
    return dict(pairs)


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.replace("_", " ").lower()))


def said() -> str:
    """All words that the code may say, with a bar where a string begins, ends or has something put in."""
    texts = []
    for path in SOURCE.rglob("*.js"):
        texts += re.split(r"\$\{[^}`]*\}|\$\{|['\"`]", path.read_text())
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts += HOLE.split(node.value)[::2]
    return f" | {' | '.join(map(words, texts))} | "


def is_said(piece: list[str], text: str, begun: bool = False) -> bool:
    """Whether these words follow each other in `text`, or are put together of strings: each joint is a bar."""
    before = " | " if begun else " "
    if not piece or f"{before}{' '.join(piece)} " in text:
        return True
    ends = (n for n in range(len(piece) - 1, 0, -1) if f"{before}{' '.join(piece[:n])} | " in text)
    return any(is_said(piece[n:], text, begun=True) for n in ends)


def test_both_sides_of_an_entry_are_whole(catalogue):
    for english, own in catalogue.items():
        assert english == " ".join(english.split()) and english and own.strip(), english
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(own)), english
        assert len(set(HOLE.findall(english))) == len(HOLE.findall(english)), english  # each hole has a name of its own
        assert not re.search(r"[{}]", HOLE.sub("", english + own)) and not re.search(r"\}\{", english), english


def test_no_entry_is_left_of_a_sentence_that_is_no_longer_said(catalogue):
    text = said()
    stale = [
        english
        for english in catalogue.keys() - GRADIO
        if not all(is_said(words(piece).split(), text) for piece in HOLE.split(english)[::2])
    ]
    assert stale == []


def shown(tree: ast.Module) -> set[str]:
    """What a module writes on the page as it stands there: words given to a part of it, and sentences with a name."""
    given = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given += node.args if name in PARTS else []
            given += [keyword.value for keyword in node.keywords if keyword.arg in SPOTS]
    named = [node for part in tree.body if isinstance(part, ast.Assign) for node in ast.walk(part.value)]
    filled = {id(part) for node in named if isinstance(node, ast.JoinedStr) for part in node.values}
    long = [node for node in named if id(node) not in filled]
    texts = [{node.value for node in nodes if isinstance(node, ast.Constant)} for nodes in (given, long)]
    sentence = re.compile(r"\w[\w,:]* \w+ (?!.*([<{;]|=>))", re.DOTALL)
    return {t for t in texts[0] if isinstance(t, str)} | {t for t in texts[1] if sentence.match(str(t))}


def test_whatever_a_tab_writes_has_its_words(catalogue):
    """Also what no browser test comes by: training that goes on, an app that is read-only, refusals."""
    known, left = Known(catalogue), []
    for path in (path for tab in TABS for path in (SOURCE / "ui" / tab).glob("*.py")):
        pieces = (" ".join(piece.split()) for text in shown(ast.parse(path.read_text())) for piece in text.split("*"))
        left += [f"{path.name}: {piece}" for piece in pieces if not known.knows(piece)]
    rows = [row.what for row in (*bench_table.ROWS, *ablation.ROWS.values())]
    assert left + [row for row in rows if not known.knows(row)] == []


def test_nothing_is_looked_up_on_the_page_by_words_that_change_with_the_language():
    """Such as [aria-label="zoom"]."""
    found = [
        f"{path.name}: {match[0]}"
        for path in SOURCE.rglob("*")
        if path.suffix in (".css", ".js", ".py")
        for match in re.finditer(r"\[(title|aria-label|placeholder|alt)[~|^$*]?=", path.read_text())
    ]
    assert found == []


def test_the_page_gets_the_script_and_a_browser_may_fetch_the_words_behind_a_path_prefix_too(monkeypatch):
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/studio")
    made = script()
    address = re.search(r'"de": "/studio(/gradio_api/file=[^"?]*\?v=[0-9a-f]{8})"', made)
    assert address is not None and made in answered(script=made).text.partition("</head>")[0]
    monkeypatch.setattr(_StaticFiles, "all_paths", [])
    gr.set_static_paths([*CATALOGUES])
    with gr.Blocks() as blocks:
        client = TestClient(App.create_app(blocks))
    assert client.get(address[1]).json()["Steps"] == "Schritte"
