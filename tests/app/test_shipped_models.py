"""Every model that ships: it loads, paints with each of its methods, says what it saw, and keeps to the limits."""

import pytest
import torch

from pdm.app.library import Library, available, first_model
from pdm.evaluation.drawing import seeded
from pdm.support.paths import ASSETS

SHAREABLE = ("emoji", "fashion-mnist")  # data sets whose images may ship, and do
WHOLE = {"emoji": (5_289, 8)}  # images and classes of a set that is smaller than a map


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The models as they ship: without the real images that somebody may have laid on their maps here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pdm.map.real_images.CACHE", tmp_path_factory.mktemp("cache"))
        yield Library("fashion-mnist", device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize("name", available(ASSETS))
def test_a_shipped_model_paints_with_every_method_it_has(name, library):
    studio = library.get(name)
    config = studio.pdm.denoiser.config
    assert studio.title != name  # it has one of its own
    for method in studio.methods:
        made = studio.pipeline(method)(
            num_images=2,
            generator=seeded(0, 2),
            num_inference_steps=4,
            unconditional=method == "unconditional",
            output_type="pt",
        ).images
        assert made.shape == (2, config.channels, config.image_size, config.image_size), method
        assert not torch.equal(made[0], made[1]) and made.float().std() > 5, method
    assert studio.images_seen.keys() >= {"pdm", "rdm"} and min(studio.images_seen.values()) > 100_000


@pytest.mark.parametrize("name", available(ASSETS))
def test_a_shipped_model_paints_by_the_same_levels_whether_its_sampler_is_named_or_not(name, library):
    """Pictures of the library leave it unnamed; the page and its recipes name it."""
    studio, levels = library.get(name), []
    for method in ("pdm", "rdm"):
        pipeline = studio.pipeline(method)
        for scheduler in (pipeline.scheduler, pipeline.scheduler_for(pipeline.sampler_for(10))):
            scheduler.set_timesteps(10)
            levels.append(scheduler.sigmas)
    for others in levels[1:]:
        torch.testing.assert_close(others, levels[0])


@pytest.mark.parametrize("name", available(ASSETS))
def test_a_map_holds_images_that_may_ship_or_the_models_own(name, library):
    shown, (images, classes) = library.get(name).map, WHOLE.get(name, (10_000, 10))
    assert len(shown) >= images and shown.images.float().std() > 5
    assert shown.generated != (shown.data_set in SHAREABLE)
    assert (shown.labels >= 0).all() and len(shown.class_names) == classes


def test_the_page_opens_with_emoji():
    assert first_model() == available(ASSETS)[0] == "emoji"


def test_what_ships_is_small():
    sizes = {path: path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 150e6
    assert max(sizes.values()) < 10e6
    assert max(size for path, size in sizes.items() if path.suffix == ".safetensors") < 9e6
