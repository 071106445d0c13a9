"""The head of the README, which the hub reads to start a Space: each field is what the hub takes and what is here."""

import pytest
import yaml
from packaging.requirements import Requirement
from PIL import Image

from pdm.support.paths import ASSETS
from tests.documents import ROOT

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
ZERO_GPU_PYTHONS = {"3.10", "3.12"}
FIELDS = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "header"),
    *("suggested_hardware", "thumbnail", "short_description", "datasets", "tags", "license"),
}


@pytest.fixture(scope="module")
def head() -> dict:
    _, text, _ = (ROOT / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def required() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {r.name: r for r in map(Requirement, lines)}


def test_there_is_every_field_and_no_other(head):
    """No `models`: they ship with the app, so the hub has none to link to."""
    assert set(head) == FIELDS


def test_what_the_hub_shows(head):
    assert head["title"] and len(head["short_description"]) <= 60
    assert {head["colorFrom"], head["colorTo"]} <= COLOURS and head["header"] == "mini"
    assert head["license"] == "apache-2.0" and "Apache License" in (ROOT / "LICENSE").read_text()[:400]
    assert all(name.count("/") == 1 for name in head["datasets"])


def test_what_the_hub_starts(head, required):
    assert head["sdk"] == "gradio" and (ROOT / head["app_file"]).is_file()
    assert head["suggested_hardware"] == "cpu-basic"
    assert head["sdk_version"] in required["gradio"].specifier
    assert head["python_version"] in ZERO_GPU_PYTHONS


def test_the_installed_gradio_is_no_older_than_the_hubs(head):
    """What the tests ran on is what the hub installs, or newer: `sdk_version` moves with the tests."""
    import gradio
    from packaging.version import Version

    assert Version(gradio.__version__) >= Version(head["sdk_version"])


def test_the_thumbnail_is_a_wide_picture_that_ships(head):
    path = ROOT / head["thumbnail"]
    assert path.parent == ASSETS and path.stat().st_size < 300_000
    with Image.open(path) as picture:
        assert picture.format == "JPEG" and 1.8 < picture.width / picture.height < 2
