"""A visitor's own picture beneath a canvas."""

from PIL import Image

from pdm.app.own_picture import OwnPicture
from pdm.pipelines.start import other_kind_strength


def test_as_other_prototypes_starts_from_what_the_pipeline_says(studio):
    own = OwnPicture("tiny", Image.new("L", (8, 8)), (0,), (1.0,))
    assert own.in_mode(studio, "kind").strength == studio.pdm.other_kind_strength
    config = studio.pdm.denoiser.config
    assert studio.pdm.other_kind_strength == other_kind_strength(config.image_size, config.channels)
