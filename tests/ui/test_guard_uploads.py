"""File arguments: only what was uploaded here, and of the kind expected, is ever opened."""

import base64
import io
import os
from dataclasses import replace

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdm.ui.guard.blocks import DAMAGED
from pdm.ui.guard.uploads import DRAWN, MAX_BYTES, NOT_UPLOADED, Expected, check_values, expected_of
from pdm.ui.prototypes.find_panel import as_image
from pdm.ui.shared.keeping import loaded_set
from pdm.ui.shared.session import VisitorSets

# Gradio's Blocks leave loops open.
pytestmark = pytest.mark.filterwarnings("ignore")
PICTURE, SET, NONE = Expected(picture=True), Expected(suffixes=(".safetensors",)), Expected()
META = {"_type": "gradio.FileData"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def png(path, size=(8, 8)):
    Image.new("L", size).save(path, "PNG")
    return str(path)


def refusal(value, expected):
    with pytest.raises(ValueError, match=": expected") as caught:
        check_values(value, expected)
    return str(caught.value)


def test_what_was_uploaded_passes(folder):
    path = png(folder / "a.png")
    for value in ({"path": path}, {"path": path, "meta": META, "url": "http://x/"}, [{"a": [{"path": path}]}], None):
        check_values(value, PICTURE)
    (folder / "s.safetensors").write_bytes(b"x")
    check_values({"path": str(folder / "s.safetensors")}, SET)


def test_everything_else_gets_the_same_answer(folder, tmp_path):
    outside = png(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(outside)
    (folder / "links").symlink_to(tmp_path)
    (folder / "inner").mkdir()
    os.mkfifo(folder / "pipe.png")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    png(closed / "hidden.png")
    paths = [
        outside,
        tmp_path / "missing.png",
        tmp_path,
        folder,
        folder / "missing.png",
        folder / "inner",
        folder / "link.png",
        folder / "links" / "outside.png",
        folder / ".." / "outside.png",
        folder / "pipe.png",
        closed / "hidden.png",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        "http://127.0.0.1/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "cache/a.png",
        "a\0b",
        "x" * 10_000,
        "",
        "~/a.png",
    ]
    values = [{"path": str(p), **more} for p in paths for more in ({}, {"meta": META})]
    values += [{"path": p} for p in (None, 5, [], {}, True, ["/etc/passwd"])] + [{"meta": META}]
    assert {refusal(v, e) for v in values for e in (PICTURE, SET)} == {NOT_UPLOADED}
    assert "/" not in NOT_UPLOADED


def test_kinds_and_sizes(folder, huge):
    text = folder / "a.png"
    text.write_bytes(b"<svg onload='x'/>")
    assert (
        refusal({"path": str(text)}, PICTURE) == "picture: expected PNG, JPEG, WebP, BMP or GIF, got SVG or other text"
    )
    bomb = folder / "bomb.png"
    bomb.write_bytes(huge.read_bytes())
    assert "16000000 pixels" in refusal({"path": str(bomb)}, PICTURE)
    assert "kind .safetensors" in refusal({"path": png(folder / "b.png")}, SET)
    with (folder / "large.safetensors").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "at most 8 MB" in refusal({"path": str(folder / "large.safetensors")}, SET)
    assert refusal({"path": png(folder / "c.png")}, NONE) == "file: expected none here, got one"


def test_depth_and_halves_of_characters(folder):
    deep = None
    for _ in range(40):
        deep = [deep]
    assert "in each other" in refusal(deep, NONE)
    assert (
        refusal(["\ud800"], NONE) == refusal({"\udfff": 1}, NONE) == "text: expected whole characters, got half of one"
    )


def test_components_say_what_they_take():
    with gr.Blocks():
        assert expected_of(gr.Image()) == PICTURE
        assert expected_of(gr.UploadButton(file_types=[".safetensors"])) == SET
        assert expected_of(gr.Textbox()) == expected_of(gr.JSON()) == NONE


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "meta", "url", "a"]), inner),
    max_leaves=8,
)


@given(json_values)
def test_no_value_raises_anything_else(value):
    try:
        check_values(value, PICTURE)
    except ValueError as error:
        assert str(error) == NOT_UPLOADED or "in each other" in str(error)


def test_a_damaged_picture_is_said_to_be_one():
    from tests import asynchronous
    from tests.ui.guarded_app import Painter, build

    page = build(Painter())
    fn = next(f for f in page.fns.values() if f.api_name == "look")
    folder = gr.utils.get_upload_folder()
    os.makedirs(folder, exist_ok=True)
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "PNG")
    path = os.path.join(folder, "damaged-picture.png")
    with open(path, "wb") as file:
        file.write(whole.getvalue()[:200])
    try:
        with pytest.raises(gr.Error) as caught:
            asynchronous.run(page.process_api(fn, [{"path": path, "meta": META}]))
    finally:
        os.remove(path)
    assert caught.value.message == "picture: expected a whole PNG, JPEG, WebP, BMP or GIF, got a damaged one"


def noise(kind):
    """The file of a picture that does not compress, so that its body is nearly all of it."""
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("L" if kind == "GIF" else "RGB").save(file, kind)
    return file.getvalue()


def inverted(raw):
    """A file whose second half is another's."""
    half = len(raw) // 2
    return raw[:half] + bytes(255 - b for b in raw[half:])


@pytest.fixture(scope="module")
def looked():
    """What the guarded page says of a picture's raw value; an error as its one line."""
    from tests import asynchronous
    from tests.ui.guarded_app import Painter, build

    page = build(Painter())
    fn = next(f for f in page.fns.values() if f.api_name == "look")

    def ask(value):
        try:
            return asynchronous.run(page.process_api(fn, [value]))["data"][0]
        except gr.Error as error:
            return error.message

    return ask


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:-200], inverted])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("name", ["a.png", "a.gif", None])
def test_a_good_header_with_a_broken_body_gets_our_line_or_is_a_picture(looked, folder, kind, damage, name):
    path = folder / "picture"
    path.write_bytes(damage(noise(kind)))
    answer = looked({"path": str(path), "meta": META, "orig_name": name})
    assert answer in (DAMAGED, "(64, 64)")
    if damage is not inverted and name != "a.gif":
        assert answer == DAMAGED


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF"])  # a WebP is read whole when it is opened
def test_what_is_named_as_a_gif_is_decoded_late_and_its_damage_is_said_so_too(folder, studio, kind):
    (folder / "a").write_bytes(noise(kind)[:-1500])
    with Image.open(folder / "a") as picture, pytest.raises(gr.Error) as caught:
        as_image(studio, picture)
    assert caught.value.message == DAMAGED


def test_a_picture_is_its_file_and_nothing_else_that_gradio_would_believe(looked, folder):
    path = png(folder / "a.png")
    inline = "data:image/png;base64," + base64.b64encode(noise("PNG")).decode()
    assert looked({"path": path, "meta": META}) == "(8, 8)"
    for value in ({"url": inline}, {"url": inline, "path": path}, {"url": inline, "path": path, "meta": META}, {}):
        assert looked(value) == NOT_UPLOADED
    assert looked({"path": path, "meta": META, "orig_name": "a.SVG"}) == DRAWN


def test_a_set_with_a_broken_body_is_refused_without_the_servers_path(folder, studio):
    from pdm.editing.set_file import set_bytes

    raw = set_bytes(studio.base)
    for number, broken in enumerate((raw[:-9], raw[: len(raw) // 2], raw + b"x", inverted(raw))):
        path = folder / f"{number}.safetensors"
        path.write_bytes(broken)
        with pytest.raises(gr.Error) as caught:
            loaded_set(studio, VisitorSets(), str(path))
        line = caught.value.message
        assert ": expected" in line and "got" in line and "\n" not in line
        assert str(folder) not in line and "deserializ" not in line and len(line) < 200
    other = folder / "other.safetensors"
    other.write_bytes(set_bytes(replace(studio.base, model="another", model_hash=studio.base.model_hash[::-1])))
    with pytest.raises(gr.Error, match="^'This set was made with another model, another. Choose that model first"):
        loaded_set(studio, VisitorSets(), str(other))
    with pytest.raises(gr.Error, match="^'file: expected one that was uploaded here"):
        loaded_set(studio, VisitorSets(), str(folder / "gone"))
