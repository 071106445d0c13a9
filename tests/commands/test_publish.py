"""`python -m pdm publish`: what goes to the hub, what stays here, and what is said where the hub says no."""

import json
import re

import pytest
import torch
import yaml
from huggingface_hub import constants
from huggingface_hub.utils import _http
from PIL import Image

from pdm import PDMPipeline
from pdm.app.library import Library
from pdm.map.projection import load_map, save_map
from pdm.pipelines.loading import load_pipeline
from pdm.support.files import write_json
from tests.command_line import done, refused, tree
from tests.hub_stand_in import TOKEN, stand_in
from tests.test_front_matter import FIELDS

HOME = "/home/somebody"
PLACE = "/{repo_id}/resolve/{revision}/{filename}"  # of a file, in huggingface_hub's words
SECRETS = ("log.txt", "state.safetensors", "photo.jpg", "notes.txt")


@pytest.fixture(scope="module")
def model(pdm_pipeline, rdm_pipeline, prototype_map, tmp_path_factory):
    """A model's folder, with all that may lie in one and that is nobody else's business."""
    folder = tmp_path_factory.mktemp("home") / "my shapes"
    pdm_pipeline.save_pretrained(folder / "pdm")
    rdm_pipeline.save_pretrained(folder / "rdm")
    save_map(prototype_map, folder / "map")
    scheduler = folder / "pdm" / "scheduler" / "scheduler_config.json"  # as diffusers, and earlier versions, write it
    scheduler.write_text(scheduler.read_text().replace("{", '{"lambda_min_clipped": -Infinity,', 1))
    card = {
        "data_set": "banded",
        "images": 96,
        "images_seen": 4800,
        "minutes": 3.2,
        "device": "1 CPU threads",
        "seed": 5,
        "found": {"notes": [f"left out {HOME}/My Photos/private", f"{folder}/x.png was no picture"]},
        "config": {"augment": "flip", "start": f"{HOME}/runs/before/pipeline", "net_from": f"{HOME}/birds"},
        "net_from": {"data_set": "birds", "config": {"start": f"{HOME}/eggs"}},
    }
    write_json(folder / "pdm" / "training_card.json", card)
    Image.new("L", (8, 8)).save(folder / "samples.png")
    for place in ("pdm/log.txt", "pdm/state/state.safetensors", "pdm/denoiser/notes.txt", "pdm/.log.txt", "photo.jpg"):
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"mine, of {HOME}")
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path, quick_umap):
    """The stand-in in the hub's place, with a login."""
    with stand_in() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.url}{PLACE}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub
        _http.close_session()


def command(model, *options) -> tuple:
    return ("publish", model, "--to", "me/shapes", "--licence", "cc-by-4.0", "--pictures", 12, *options)


def upload(model, *options) -> tuple:
    """The same without painting a map, which takes a second."""
    return command(model, "--with-images", *options)


def head_of(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def test_the_dry_run_is_what_the_loader_and_the_app_open_and_holds_nothing_private(model, tmp_path, quick_umap, capfd):
    out = tmp_path / "look"
    said = done(capfd, *command(model, "--dry-run", out))
    assert said.startswith(f"wrote shapes/ to {out}, ") and f"python app.py --assets {out}" in said
    assert sorted(p.name for p in out.iterdir()) == ["shapes"]
    assert sorted(p.name for p in (out / "shapes").iterdir()) == ["README.md", "map", "pdm", "rdm", "samples.png"]
    files = tree(out)
    assert not [name for name in files if name.endswith(SECRETS) or "/." in name]
    for name, content in files.items():
        assert HOME.encode() not in content and str(model.parent).encode() not in content, name
    card = json.loads((out / "shapes" / "pdm" / "training_card.json").read_text())
    assert card["config"]["start"] == "before" and card["images_seen"] == 4800
    assert card["config"]["net_from"] == "birds" and card["net_from"]["config"]["start"] == "eggs"
    assert "| its net began as one of | birds |" in (out / "shapes" / "README.md").read_text()

    library = Library("shapes", device=torch.device("cpu"), dtype=torch.float32, assets=out)
    studio = library.get()
    assert library.names == ["shapes"] and studio.rdm is not None and studio.images_seen["pdm"] == 4800
    assert studio.map.generated and len(studio.map) == 12
    for pipeline in (load_pipeline(out / "shapes"), PDMPipeline.from_pretrained(out / "shapes" / "pdm")):
        assert len(pipeline(prototypes=[0, 1], num_images=2, num_inference_steps=2).images) == 2


def test_training_images_are_on_the_map_only_where_that_was_asked_for(
    model, prototype_map, tmp_path, quick_umap, capfd
):
    done(capfd, *command(model, "--dry-run", tmp_path / "a"))
    done(capfd, *command(model, "--dry-run", tmp_path / "b", "--with-images"))
    painted, real = (load_map(tmp_path / place / "shapes" / "map") for place in "ab")
    assert painted.generated and not real.generated and len(real) == len(prototype_map)
    assert (real.images.float() - prototype_map.images.float()).abs().mean() < 8  # it is WebP now
    text = "no training image is in these files"
    assert text in (tmp_path / "a" / "shapes" / "README.md").read_text()
    assert text not in (tmp_path / "b" / "shapes" / "README.md").read_text()


def test_the_card_says_what_the_hub_and_a_reader_want_to_know(model, tmp_path, quick_umap, capfd):
    evaluation = {
        "version": 2,
        "command": f"python -m pdm evaluate --model {model} --data {HOME}/photos --out results",
        "feature_net": "banded-classifier",
        "reference": {"split": "train", "images": 96},
        "sampling": {"samples": 50, "steps": 10, "guidance": 1.0, "seed": 0, "sampler": "dpm++2m"},
        "quality": {"pdm": {"frechet": 1.25}},
        "train_test_frechet": 0.5,
    }
    write_json(tmp_path / "results" / "evaluation.json", evaluation)
    done(capfd, *command(model, "--results", tmp_path / "results", "--dry-run", tmp_path / "out"))
    text = (tmp_path / "out" / "shapes" / "README.md").read_text()
    assert head_of(text) == {
        "license": "cc-by-4.0",
        "library_name": "diffusers",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["diffusion", "prototypes", "prototype-diffusion"],
    }
    assert "8 prototypes and a denoiser of" in text and "96 images of banded\n(grey, 16 x 16 pixels)" in text
    assert "| images seen by the denoiser | 4,800 (50 passes) |" in text and "| minutes | 3 on 1 CPU threads |" in text
    assert "96 training images are few" in text and "(samples.png)" in text
    assert "| pdm | 1.25 |" in text and "--data photos" in text and HOME not in text
    example = text.split("```python\n")[1].split("```")[0].splitlines()
    assert len(example) == 2 and 'load_pipeline("me/shapes")' in example[1]
    assert json.loads((tmp_path / "out" / "results" / "shapes" / "evaluation.json").read_text())["version"] == 2


def test_it_is_uploaded_in_one_commit_and_comes_back_from_there(model, hub, tmp_path, capfd):
    said = done(capfd, *upload(model, "--private"))
    assert said == f"published {hub.url}/me/shapes"
    repo = hub.repos["model", "me/shapes"]
    assert repo.private and repo.commits == 1 and TOKEN not in said
    assert {"README.md", "samples.png", "map/map.json", "pdm/model_index.json", "rdm/model_index.json"} < set(
        repo.files
    )
    assert any(line.startswith("PUT /lfs/") for line in hub.asked)
    pipeline = load_pipeline("me/shapes")  # as its card says
    assert len(pipeline(prototypes=[0, 1], num_images=2, num_inference_steps=2).images) == 2

    repo.files |= {"pdm/denoiser/old.safetensors": b"of an earlier version", "my-notes.md": b"the owner's"}
    done(capfd, *upload(model))
    assert repo.commits == 2 and repo.private
    assert "pdm/denoiser/old.safetensors" not in repo.files and repo.files["my-notes.md"] == b"the owner's"
    done(capfd, *upload(model))  # nothing is new
    assert repo.commits == 2


def test_a_space_shows_the_model(model, hub, tmp_path, capfd):
    done(capfd, *upload(model, "--space", "--dry-run", tmp_path / "out"))
    said = done(capfd, *upload(model, "--space"))
    assert said == f"published {hub.url}/me/shapes and {hub.url}/spaces/me/shapes"
    repo, folder = hub.repos["space", "me/shapes"], tmp_path / "out" / "shapes-space"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert repo.sdk == "gradio" and repo.commits == 1 and set(repo.files) == files | {".gitattributes"}
    assert {"app.py", "requirements.txt", "LICENSE", "pdm/cli.py", "assets/shapes/pdm/model_index.json"} < files
    head = head_of((folder / "README.md").read_text())
    assert set(head) == FIELDS - {"datasets"} | {"models"}
    assert head["models"] == ["me/shapes"] and head["title"] == "shapes" and len(head["short_description"]) <= 60
    assert "(licence: cc-by-4.0)" in (folder / "README.md").read_text()
    assert load_pipeline(folder / "assets" / "shapes").bank.count == 8


def test_a_licence_of_ones_own_goes_with_its_text(model, tmp_path, quick_umap, capfd):
    (tmp_path / "Ours Only.txt").write_text("Look, don't touch.\n")
    options = ("--licence", tmp_path / "Ours Only.txt", "--dry-run", tmp_path / "out")
    done(capfd, *command(model, *options))
    folder = tmp_path / "out" / "shapes"
    assert (folder / "LICENSE").read_text() == "Look, don't touch.\n"
    head = head_of((folder / "README.md").read_text())
    expected = {"license": "other", "license_name": "ours-only", "license_link": "LICENSE"}
    assert {name: head[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "shapes"], "--to: expected OWNER/NAME of letters"),
        (["--to", "me/sha pes"], "--to: expected OWNER/NAME of letters"),
        (["--to", "me/a--b"], "--to: expected OWNER/NAME of letters"),
        (["--to", "https://huggingface.co/me/shapes"], "--to: expected OWNER/NAME of letters"),
        (["--to", "me/results"], "--to: expected another name than 'results'"),
        (["--licence", "all mine"], "--licence: expected a licence that the hub knows"),
        (["--results", "nowhere"], "--results nowhere: expected a folder of results, got none"),
        (["--dry-run", "FULL"], "--dry-run: expected a new or empty folder"),
    ],
)
def test_wrong_options_end_in_one_line_and_nothing_is_written(model, tmp_path, capfd, options, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = tree(tmp_path)
    named = [tmp_path / "full" if option == "FULL" else option for option in options]
    dry = [] if "--dry-run" in options else ["--dry-run", tmp_path / "out"]
    assert message in refused(capfd, *command(model, *dry, *named))
    assert tree(tmp_path) == before


def test_a_licence_is_never_guessed_and_half_a_model_not_published(model, tmp_path, capfd):
    said = refused(capfd, "publish", model, "--to", "me/shapes", "--dry-run", tmp_path / "out")
    assert said.startswith("--licence: expected a licence") and said.endswith("got none; whoever publishes decides")
    assert "expected a model's folder with pdm/ in it" in refused(
        capfd, *command(tmp_path, "--dry-run", tmp_path / "o")
    )
    begun = tmp_path / "begun"
    (begun / "pdm").mkdir(parents=True)
    (begun / "pdm" / "model_index.json").write_text("{}")
    write_json(begun / ".making" / "plan.json", {})
    said = refused(capfd, *command(begun, "--dry-run", tmp_path / "o"))
    assert "expected a finished model, got one that `new` began" in said and not (tmp_path / "o").exists()


def test_without_a_login_a_known_token_or_a_network_one_line_says_so(model, hub, monkeypatch, capfd):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    said = refused(capfd, *upload(model))
    assert re.match(r"hub: expected a login that it knows, got: 401, ", said) and "hf_wrong" not in said
    monkeypatch.delenv("HF_TOKEN")
    assert (
        refused(capfd, *upload(model)) == "hub: expected a login (`hf auth login`) or a token in HF_TOKEN, got neither"
    )
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert refused(capfd, *upload(model)).startswith("hub: expected a login that it knows, got: ")
    assert hub.repos == {}


def test_what_the_hub_refuses_is_said_and_nothing_is_half_there(model, hub, capfd):
    said = refused(capfd, *upload(model, "--to", "others/shapes"), bars=True)
    assert said.startswith("hub: expected to make the model others/shapes, got: 403, You don't have the rights")
    hub.refuse["/commit/"] = 403, "Authorization error: a read token cannot write"
    said = refused(capfd, *upload(model), bars=True)
    assert "expected to upload to the model me/shapes, which is new and empty, got: 403, Authorization error" in said
    assert TOKEN not in said and hub.repos["model", "me/shapes"].commits == 0
    hub.refuse.clear()
    hub.refuse["/api/spaces/me/shapes/preupload"] = 413, "too large"
    said = refused(capfd, *upload(model, "--space"), bars=True)
    assert "expected to upload to the Space me/shapes" in said
    assert said.endswith(f"published before that: {hub.url}/me/shapes")


def test_other_repositories_and_public_ones_are_left_alone(model, hub, capfd):
    done(capfd, *upload(model))
    said = refused(capfd, *upload(model, "--private"))
    assert said == ("--private: expected a new repository or a private one, got the model me/shapes, which is public")
    repo = hub.repos["model", "me/shapes"]
    repo.files = {"config.json": b"{}", "README.md": b"another"}
    assert "expected a new repository or one that `publish` filled" in refused(capfd, *upload(model))
    assert repo.files["README.md"] == b"another"
