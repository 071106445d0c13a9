"""Fixtures of the whole suite: tiny models, data and maps, each made once for all tests that only read it."""

import struct
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pdm.app.studio import Studio, ready
from pdm.config import PRESETS
from pdm.data.images import ImageData
from pdm.map.projection import PrototypeMap
from pdm.model.denoiser import Denoiser
from pdm.model.encoders import StaticEncoder, embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.retrieval.memory import Memory
from pdm.sampling.solvers import make_scheduler
from pdm.training.train import Trainer
from tests.command_line import class_folders
from tests.tiny import banded, tiny_config, tiny_denoiser


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


@pytest.fixture(scope="session")
def prototype_map(images, bank) -> PrototypeMap:
    """A map made by hand: two directions of the features instead of UMAP. Features have the precision of the file."""
    features = embed_all(bank.encode, images.images).detach().half().float()
    xy = features[:, :2] * 10 + features[:, 2:4]
    return PrototypeMap(images.name, images.class_names, xy, features, images.labels, images.images)


@pytest.fixture(scope="session")
def studio(pdm_pipeline, rdm_pipeline, prototype_map) -> Studio:
    return Studio("tiny", pdm_pipeline, rdm_pipeline, ready(prototype_map))


@pytest.fixture(scope="session")
def saved(pdm_pipeline, rdm_pipeline, tmp_path_factory) -> Path:
    """A model folder named "tiny" that holds pdm/ and rdm/. A test that damages it takes a copy."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    pdm_pipeline.save_pretrained(folder / "pdm")
    rdm_pipeline.save_pretrained(folder / "rdm")
    return folder


@pytest.fixture(scope="module")
def small_grid():
    """Trainings draw a sample grid of four pictures, instead of 64 at each of their ends."""
    sample_grid = Trainer.sample_grid
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "sample_grid", lambda self: sample_grid(self, columns=2))
        yield


@pytest.fixture
def tiny_presets(small_grid, monkeypatch):
    """The presets at the size of the tests, and a sample grid of four."""
    for name in ("pdm", "rdm"):
        monkeypatch.setitem(PRESETS, name, tiny_config(name, preset=name))


@pytest.fixture
def quick_umap(monkeypatch):
    """A layout without UMAP, which takes seconds to import."""

    class Layout:
        def __init__(self, **options):
            pass

        def fit_transform(self, features):
            return features[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Layout))


@pytest.fixture
def pictures(tmp_path) -> Path:
    return class_folders(tmp_path / "pictures")


@pytest.fixture
def huge(tmp_path) -> Path:
    """The header of a PNG of 10,000 x 10,000 pixels: what it claims is enough to refuse it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "huge.png"
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path
