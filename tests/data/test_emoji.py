"""The emoji data set's maker, on made-up packages: what is kept, what is drawn how, and that it repeats itself."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pdm.commands import data as commands
from pdm.data import emoji as emoji_set
from pdm.data import emoji_sources
from pdm.data.emoji_sources import NotoFont
from pdm.data.known import SHIPPED_SETS
from pdm.data.load import load
from tests.command_line import done, refused

TONES = {tone: {"unified": f"1F44B-{tone}"} for tone in ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF")}
ENTRIES = [
    {"name": "WAVING HAND SIGN", "unified": "1F44B", "category": "People & Body", "skin_variations": TONES},
    {"name": "KEYCAP 1", "unified": "0031-FE0F-20E3", "category": "Symbols"},
    {"name": "SAMOA FLAG", "unified": "1F1FC-1F1F8", "category": "Flags"},
    {"name": "EMOJI MODIFIER", "unified": "1F3FB", "category": "Component"},
    *({"name": f"APPLE {i}", "unified": f"{0x1F300 + i:X}", "category": "Food & Drink"} for i in range(60)),
]


class NoFont(NotoFont):
    """A font without pictures, that no fonttools need read."""

    def __init__(self, path: Path):
        assert path.name == "noto.ttf"
        self.glyphs, self.pictures, self.ligatures = {}, {}, {}


def colour(path: Path, number: int, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    picture.paste((number * 37 % 256, number * 91 % 256, number * 53 % 256, 255), (0, 0, size, size // 2))
    picture.save(path)


@pytest.fixture
def packages(tmp_path, monkeypatch) -> dict[str, Path]:
    monkeypatch.setattr(emoji_set, "NotoFont", NoFont)
    fluent, twemoji = tmp_path / "fluent", tmp_path / "twemoji"
    for i, entry in enumerate(ENTRIES):
        for j, each in enumerate([entry, *entry.get("skin_variations", {}).values()]):
            colour(twemoji / "img" / "twitter" / "64" / f"{each['unified'].lower()}.png", 100 * i + j, 64)
    colour(fluent / "assets" / "1f44b.webp", 9001, 256)
    colour(fluent / "assets" / "1f3f4-e0067_e0062.webp", 9002, 256)
    (twemoji / "emoji.json").write_text(json.dumps(ENTRIES))
    (tmp_path / "noto.ttf").touch()
    return {"fluent": fluent, "noto": tmp_path / "noto.ttf", "twemoji": twemoji}


def test_flags_and_bare_tones_are_left_out_and_few_tones_kept(packages):
    codes = [emoji.code for emoji in emoji_sources.catalogue(packages["twemoji"])]
    assert "31-20e3" in codes and "1f44b" in codes and "1f1fc-1f1f8" not in codes and "1f3fb" not in codes
    assert sum(emoji_sources.share(f"name {i}") < emoji_sources.TONED for i in range(10_000)) == pytest.approx(
        1500, abs=150
    )
    names = {emoji.name for emoji in emoji_sources.catalogue(packages["twemoji"])}
    assert {name for name in names if name.endswith("skin tone")} == {
        name for tone in emoji_sources.TONES.values()
        if emoji_sources.share(name := f"waving hand sign, {tone} skin tone") < emoji_sources.TONED
    }  # fmt: skip


def test_the_set_is_read_by_the_loader_and_made_again_to_the_byte(packages, tmp_path):
    sizes = emoji_set.make(**packages, out=tmp_path / "one")
    again = emoji_set.make(**packages, out=tmp_path / "two")
    assert sizes == again and sizes["train"] + sizes["test"] >= 63 and sizes["test"] >= 1
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    data = load(str(tmp_path / "one"), size=64)
    assert data.class_names == emoji_sources.GROUPS and data.images.shape == (sizes["train"], 3, 64, 64)
    assert set(data.labels.tolist()) <= {1, 3, 7}
    assert "CC BY 4.0" in (tmp_path / "one" / "NOTICE").read_text()


def test_equal_pictures_are_kept_once(packages, tmp_path):
    before = sum(emoji_set.make(**packages, out=tmp_path / "out").values())
    folder = packages["twemoji"] / "img" / "twitter" / "64"
    (folder / "1f301.png").write_bytes((folder / "1f302.png").read_bytes())
    assert sum(emoji_set.make(**packages, out=tmp_path / "out").values()) == before - 1


def test_a_picture_stands_in_the_middle_on_white():
    wide = Image.new("RGBA", (136, 128), (255, 0, 0, 255))
    pixels = np.asarray(emoji_set.on_white(wide))
    assert (pixels[:1] > 250).all() and (pixels[-1:] > 250).all() and (pixels[4:-4, :, 1] == 0).all()
    clear = np.asarray(emoji_set.on_white(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), 58))
    assert (clear == 255).all()
    small = np.asarray(emoji_set.on_white(Image.new("RGBA", (64, 64), (0, 0, 0, 255)), 58))
    assert (small[3:61, 3:61] == 0).all() and (small[:3] == 255).all() and (small[:, 61:] == 255).all()


def test_a_folder_without_emoji_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected pictures that are named by codepoints"):
        emoji_sources.from_files(tmp_path, ".png")


def png(shade: int) -> SimpleNamespace:
    with io.BytesIO() as file:
        Image.new("L", (2, 2), shade).save(file, "PNG")
        return SimpleNamespace(imageData=file.getvalue())


def test_the_font_has_an_emoji_of_several_codepoints_as_a_ligature():
    font = NoFont(Path("noto.ttf"))
    font.glyphs, font.ligatures = {1: "one", 2: "two", 3: "three"}, {("one", "two"): "both"}
    font.pictures = {"one": png(10), "both": png(20)}
    shades = [found and found.getpixel((0, 0)) for found in map(font.get, [(1,), (1, 2), (2,), (2, 1), (1, 9)])]
    assert shades == [10, 20, None, None, None]


def test_a_missing_package_is_named(packages, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="expected the source of style fluent at .*nowhere, got nothing there"):
        emoji_set.make(**{**packages, "fluent": tmp_path / "nowhere"}, out=tmp_path / "out")
    monkeypatch.setitem(sys.modules, "fontTools.ttLib", None)
    with pytest.raises(ValueError, match="expected the package fonttools, .* pip install fonttools"):
        NotoFont(packages["noto"])
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote_and_what_it_lacks(packages, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(commands, "FLUENT", "fluent")
    monkeypatch.setattr(commands, "TWEMOJI", "twemoji")
    options = ("data", "emoji", "--packages", tmp_path, "--out", tmp_path / "set")
    assert "expected the source of style noto" in refused(capfd, *options, "--font", tmp_path / "none.ttf")
    said = done(capfd, *options, "--font", packages["noto"])
    assert said.startswith("wrote ") and said.endswith(f" held out to {tmp_path / 'set'}")
    files = ["NOTICE", "test-00000-of-00001.parquet", "train-00000-of-00001.parquet"]
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == files


def test_the_set_that_ships_is_read_by_its_name_and_its_absence_is_one_line(packages, tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(SHIPPED_SETS, "emoji", tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    for command in (("train", "--preset", "emoji"), ("train", "--preset", "emoji-rdm", "--device", "cpu")):
        assert "data set 'emoji': expected its Parquet files in" in refused(capfd, *command)
    assert not (tmp_path / "runs").exists()
    sizes = emoji_set.make(**packages, out=tmp_path / "set")
    found = load("emoji", size=64)
    assert (found.name, len(found), found.class_names) == ("emoji", sizes["train"], emoji_sources.GROUPS)
    assert found.hash() == load(str(tmp_path / "set"), size=64).hash()
