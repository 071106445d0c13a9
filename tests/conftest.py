"""Fixtures of the whole suite. No network is touched: the hub is switched off before anything imports it."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from hypothesis import settings

from pdm.data import ImageData
from pdm.denoiser import Denoiser
from pdm.encoders import StaticEncoder, embed_all
from pdm.memory import Memory
from pdm.pipeline import PDMPipeline, RDMPipeline
from pdm.prototypes import PrototypeBank
from pdm.sampling import make_scheduler
from tests.tiny import banded, tiny_config, tiny_denoiser

settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def images() -> ImageData:
    """96 grey pictures of four classes that one can tell apart at a glance."""
    return banded()


@pytest.fixture
def denoiser() -> Denoiser:
    return tiny_denoiser()


@pytest.fixture
def config():
    return tiny_config()


@pytest.fixture(scope="session")
def bank(images) -> PrototypeBank:
    """Eight prototypes on features of the images, with usage and table taken from them."""
    torch.manual_seed(3)
    bank = PrototypeBank(channels=1, image_size=16, count=8, dim=16, class_names=images.class_names).eval()
    z = embed_all(bank.encode, images.images).detach()
    with torch.no_grad():
        bank.vectors.copy_(z[:8] + 0.01 * torch.randn(8, 16))
        bank.renormalise()
    bank.record(z, images.labels, torch.Generator().manual_seed(0))
    return bank


@pytest.fixture(scope="session")
def pdm_pipeline(bank) -> PDMPipeline:
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="session")
def rdm_pipeline(images) -> RDMPipeline:
    torch.manual_seed(4)
    encoder = StaticEncoder(channels=1, dim=16).eval()
    memory = Memory.build(embed_all(encoder.embed, images.images), torch.arange(len(images)))
    rows = torch.arange(len(images))
    memory.count_popularity(memory.neighbours_of(memory.embeddings, rows, 4))
    pipeline = RDMPipeline(tiny_denoiser(), memory, make_scheduler(), encoder, top_m=0.1)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
