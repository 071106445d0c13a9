"""A large memory of a trained RDM: made and used by commands, and refused by a model of another encoder."""

import pytest
import torch

from pdm.data.stream import batches, pictures
from pdm.evaluation.drawing import seeded
from pdm.model.encoders import StaticEncoder, embed_all
from pdm.pipelines.rdm import RDMPipeline
from pdm.pipelines.recipe import read_recipe
from pdm.retrieval.large_memory import LargeMemory
from pdm.retrieval.memory_stream import stream_memory
from tests.command_line import class_folders, done, refused


def silent(what, step, of, loss):
    pass


@pytest.fixture
def source(tmp_path) -> str:
    return str(class_folders(tmp_path / "pictures", per_class=12))


@pytest.fixture
def large(saved, source, tmp_path) -> LargeMemory:
    options = {"entries": 40, "size": 16, "neighbours": 4, "index": "exact", "report": silent}
    return stream_memory(source, tmp_path / "large", str(saved / "rdm" / "encoder"), **options)


def test_its_vectors_are_the_encoders_embeddings_of_the_pictures_in_order(large, source, rdm_pipeline):
    images = torch.cat(list(batches(pictures(source), 16, 1, 100)))
    expected = embed_all(rdm_pipeline.encoder.embed, images)[:40]
    torch.testing.assert_close(large.vectors(torch.arange(40)), expected, atol=1e-3, rtol=0)


def test_a_model_retrieves_from_it_and_by_any_exact_index_the_same(saved, large, rdm_pipeline):
    generators = [seeded(0, 6) for _ in range(3)]
    found = {}
    for name, drawn in zip(("exact", "hnsw", "qdrant"), generators, strict=True):
        pipeline = RDMPipeline.from_pretrained(saved / "rdm", large_memory=large.folder, index=name)
        condition, distances = pipeline.find(drawn, top_m=1.0)
        assert condition.ids[:, 0].tolist() == large.pseudo_queries(seeded(0, 6), 1.0).tolist()  # itself comes first
        torch.testing.assert_close(condition.tokens, 4 * large.vectors(condition.ids), atol=1e-2, rtol=0)
        found[name] = condition.ids
    assert torch.equal(found["exact"], found["hnsw"]) and torch.equal(found["exact"], found["qdrant"])
    assert not torch.equal(found["exact"], rdm_pipeline.find(seeded(0, 6), top_m=1.0)[0].ids)


def test_the_models_own_memory_can_be_searched_by_another_index_too(saved, rdm_pipeline):
    for name in ("exact", "hnsw", "ivf", "qdrant"):
        pipeline = RDMPipeline.from_pretrained(saved / "rdm", index=name)
        ids, distances = pipeline.memory.search(rdm_pipeline.memory.embeddings[:9], 3)
        expected, far = rdm_pipeline.memory.search(rdm_pipeline.memory.embeddings[:9], 3)
        assert torch.equal(ids, expected) and torch.allclose(distances, far, atol=2e-3)


def test_a_memory_of_another_encoder_is_refused_in_a_line(saved, source, tmp_path):
    torch.manual_seed(9)
    StaticEncoder(channels=1, dim=16).save_pretrained(tmp_path / "other")
    options = {"entries": 9, "size": 16, "neighbours": 4, "index": "exact", "report": silent}
    made = stream_memory(source, tmp_path / "m", str(tmp_path / "other"), **options)
    with pytest.raises(ValueError, match="expected one made with this model's encoder .*, got one made with own") as e:
        RDMPipeline.from_pretrained(saved / "rdm", large_memory=made.folder)
    assert "\n" not in str(e.value)


def test_two_commands_make_it_and_paint_from_it(saved, source, tmp_path, capfd):
    folder, out = tmp_path / "m", tmp_path / "out"
    making = (
        "memory",
        "--stream",
        "--data",
        source,
        "--size",
        16,
        "--entries",
        30,
        "--encoder",
        saved / "rdm" / "encoder",
        "--index",
        "ivf",
        "--out",
        folder,
    )
    line = done(capfd, *making)
    use = f"sample --method rdm --memory {folder} --index ivf"
    assert line == f"wrote a memory of 30 images to {folder}; use it with: {use}"
    assert done(capfd, *making) == line  # what is done is kept
    painting = (*use.split(), "--model", saved, "--count", 2, "--steps", 1, "--device", "cpu", "--out", out)
    done(capfd, *painting)
    assert read_recipe(out / "0000.png").query == f"memory m {LargeMemory(folder).digest()}"
    said = refused(capfd, *making[:-2], "--entries", 31, "--out", folder)
    assert "expected a memory of these settings, got one of others (entries)" in said
    assert "got one made with --stream" in refused(
        capfd, "train", "--preset", "rdm", "--memory", folder, "--data", source
    )
