"""`python -m pdm space`: what a Space needs, nothing more, and nothing that the hub would refuse."""

import re

import pytest
import yaml
from packaging.requirements import Requirement

from pdm.commands import space as module
from tests.command_line import call, done, tree
from tests.documents import ROOT
from tests.test_front_matter import FIELDS

ZERO_GPU_TORCH = {"2.8.0", "2.9.1", "2.10.0", "2.11.0"}  # as its documentation lists them


@pytest.fixture
def assets(tmp_path):
    """Two models, "fashion-mnist" and "mine", with files that don't belong into a Space beside them."""
    for name in ("fashion-mnist", "mine"):
        for place in ("pdm/model_index.json", "map/map.json", "classifier/card.json", "pdm/.hidden"):
            path = tmp_path / "assets" / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} {place}")
        results = tmp_path / "assets" / "results" / name / "bench.json"
        results.parent.mkdir(parents=True)
        results.write_text(name)
    return tmp_path / "assets"


def head_of(folder) -> dict:
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


def test_a_space_holds_the_app_and_the_models_asked_for_and_nothing_else(assets, tmp_path, capfd):
    out = tmp_path / "out"
    line = done(capfd, "space", out, "--assets", assets, "--models", "mine")
    files = {name for name, content in tree(out).items() if (out / name).is_file()}
    model = {"assets/mine/pdm/model_index.json", "assets/mine/map/map.json", "assets/results/mine/bench.json"}
    code = {name for name in files if name.startswith("pdm/")}
    about = {"app.py", "LICENSE", "README.md", "requirements.txt", "assets/thumbnail.jpg"}
    assert files == about | model | code
    assert {"pdm/__init__.py", "pdm/ui/page.css", "pdm/ui/components/map_view.js"} <= code
    assert not [name for name in code if "__pycache__" in name or name.endswith((".pyc", ".pyi"))]
    assert line.startswith(f"wrote {len(files)} files") and "with mine to" in line
    assert (out / "app.py").read_bytes() == (ROOT / "app.py").read_bytes()


def test_its_readme_speaks_of_its_own_models_and_links_lead_on(assets, tmp_path, capfd):
    done(capfd, "space", tmp_path / "a", "--assets", assets, "--models", "mine")
    done(capfd, "space", tmp_path / "b", "--assets", assets, "--id", "me/studio")
    mine, both = head_of(tmp_path / "a"), head_of(tmp_path / "b")
    assert set(mine) == FIELDS - {"datasets"} and set(both) == FIELDS
    assert both["datasets"] == ["zalando-datasets/fashion_mnist"]
    assert mine["thumbnail"] == "assets/thumbnail.jpg"
    assert both["thumbnail"] == "https://huggingface.co/spaces/me/studio/resolve/main/assets/thumbnail.jpg"
    text = (tmp_path / "a" / "README.md").read_text()
    assert "# Prototype Diffusion Studio" in text and "## On the page" in text and "arxiv.org/abs/2508.09922" in text
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        assert "://" in link or (tmp_path / "a" / link).is_file(), link


def test_its_torch_is_one_that_zero_gpu_has_and_the_project_takes(assets, tmp_path, capfd):
    done(capfd, "space", tmp_path / "out", "--assets", assets)
    ours, its = (
        {r.name: r.specifier for r in map(Requirement, (folder / "requirements.txt").read_text().splitlines())}
        for folder in (ROOT, tmp_path / "out")
    )
    (torch,) = its["torch"]
    assert torch.operator == "==" and torch.version in ZERO_GPU_TORCH and torch.version in ours["torch"]
    assert its == ours | {"torch": its["torch"]}


def test_what_ships_fits_into_a_space():
    """All files of the shipped models, none of which is copied here."""
    written, _ = module._models(None, ROOT / "assets", module._size(dict(module._code(ROOT)).values()))
    assert "fashion-mnist" in written
    assert all(
        path.stat().st_size <= module.LARGEST for name in written for _, path in module._files_of(ROOT / "assets", name)
    )


def test_models_that_would_not_fit_are_left_out_and_named(assets, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(module, "IN_ALL", module._size(dict(module._code(ROOT)).values()) + 100)
    assert "left out, as they would not fit: mine" in done(capfd, "space", tmp_path / "out", "--assets", assets)
    assert call("space", tmp_path / "two", "--assets", assets, "--models", "fashion-mnist,mine") == 2
    assert "--models: expected at most" in capfd.readouterr().err and not (tmp_path / "two").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["FULL"], "expected a new or empty folder, got one with something in it"),
        (["out", "--models", "mine,none"], "--models: expected some of fashion-mnist, mine, got none"),
        (["out", "--id", "me"], "--id: expected OWNER/NAME, got 'me'"),
    ],
)
def test_wrong_options_end_in_one_line_and_nothing_is_written(assets, tmp_path, capfd, options, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = tree(tmp_path)
    folder = tmp_path / ("full" if options[0] == "FULL" else "out")
    assert call("space", folder, "--assets", assets, *options[1:]) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1 and tree(tmp_path) == before


def test_a_file_that_the_hub_would_refuse_is_named(assets, tmp_path, monkeypatch, capfd):
    (assets / "mine" / "pdm" / "large.safetensors").touch()
    with (assets / "mine" / "pdm" / "large.safetensors").open("wb") as file:
        file.truncate(module.LARGEST + 1)
    assert call("space", tmp_path / "out", "--assets", assets) == 2
    assert "large.safetensors: expected at most 10 MB, got 10.0" in capfd.readouterr().err
