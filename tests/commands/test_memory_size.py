"""The size of the images of a streamed memory: what the encoder looks at, not what a net of latents paints."""

from argparse import Namespace

from pdm.commands.memory import _size
from tests.latents import latent_rdm
from tests.tiny import SIZE


def test_a_memory_for_a_model_of_latents_takes_pictures_as_its_encoder_sees_them(tmp_path, rdm_pipeline):
    for name, pipeline in (("latent", latent_rdm()), ("pixels", rdm_pipeline)):
        pipeline.save_pretrained(tmp_path / name)
        assert _size(Namespace(encoder=str(tmp_path / name / "encoder"), size=None)) == SIZE
