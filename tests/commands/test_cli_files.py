"""Damaged, missing and foreign files, and full disks: one line with exit code 2, and nothing half-written."""

import errno
import shutil
from pathlib import Path

import accelerate
import pytest
from PIL import Image
from safetensors import SafetensorError

from pdm.map.projection import load_map
from pdm.pipelines.recipe import read_recipe
from tests.command_line import call, class_folders, done, refused, tree

WEIGHTS = "diffusion_pytorch_model.safetensors"
pytestmark = pytest.mark.usefixtures("tiny_presets")


def test_missing_and_truncated_weights_are_one_line_that_names_the_file(saved, tmp_path, capfd):
    model = shutil.copytree(saved, tmp_path / "model")
    path = model / "pdm" / "denoiser" / WEIGHTS
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    commands = (("sample",), ("map", "--data", "x"), ("evaluate", "--data", "x"))
    for command in commands:
        message = refused(capfd, *command, "--model", model, "--out", tmp_path / "out")
        assert message.startswith(f"{path}: expected complete weights")
    path.unlink()
    for command in commands:
        message = refused(capfd, *command, "--model", model, "--out", tmp_path / "out")
        assert message.startswith(f"{model / 'pdm'}: expected a complete pipeline")
    assert not (tmp_path / "out").exists()


def test_a_query_that_is_no_picture_or_too_huge_a_one_is_one_line(saved, tmp_path, huge, capfd):
    text, cut = tmp_path / "text.png", tmp_path / "cut.png"
    text.write_text("no picture")
    Image.effect_noise((64, 64), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:400])
    for path, said in ((text, "cannot identify"), (cut, "truncated"), (huge, "at most 16000000 pixels are allowed")):
        message = refused(capfd, "sample", "--model", saved, "--image", path, "--out", tmp_path / "out")
        assert message.startswith(f"--image {path}: expected a picture, got: ") and said in message
    assert not (tmp_path / "out").exists()


def test_a_data_set_of_one_image_is_refused_by_every_command_that_reads_one(saved, tmp_path, capfd):
    one = tmp_path / "one" / "class"
    one.mkdir(parents=True)
    Image.new("L", (16, 16)).save(one / "a.png")
    for command in (("train",), ("memory",), ("map", "--model", saved), ("evaluate", "--model", saved)):
        message = refused(capfd, *command, "--data", one.parent, "--out", tmp_path / "out")
        assert "expected at least 2 images" in message and message.endswith("got 1")
    assert not (tmp_path / "out").exists()


def test_a_data_set_with_a_file_that_is_no_picture_or_a_huge_one_names_the_file(pictures, huge, tmp_path, capfd):
    bad = pictures / "top" / "bad.png"
    bad.write_text("no picture")
    message = refused(capfd, "train", "--data", pictures, "--out", tmp_path / "out")
    assert message.startswith(f"{bad}: expected an image, got ")
    shutil.copy(huge, bad)
    message = refused(capfd, "train", "--data", pictures, "--out", tmp_path / "out")
    assert message == f"{bad}: expected an image of at most 16000000 pixels, got 10000x10000"
    assert not (tmp_path / "out").exists()


def test_colour_images_are_refused_for_a_model_of_grey_ones(saved, tmp_path, capfd):
    colour = class_folders(tmp_path / "colour", per_class=3, channels=3)
    for command in ("map", "evaluate"):
        message = refused(capfd, command, "--model", saved, "--data", colour, "--out", tmp_path / "out")
        assert message == "--data: expected grey images as the model's, got colour ones"
    assert not (tmp_path / "out").exists()


def test_other_options_or_a_damaged_checkpoint_are_one_line_and_leave_the_run_as_it_was(pictures, tmp_path, capfd):
    run = tmp_path / "run"
    training = ("train", "--data", pictures, "--size", 16, "--out", run, "--device", "cpu", "--images", 16)
    done(capfd, *training)
    before = tree(run)
    assert "choose another --out, or the same options" in refused(capfd, *training, "--prototypes", 5)
    assert tree(run) == before
    for name in ("model.safetensors", "optimizer.bin", "custom_checkpoint_1.pkl"):
        path = run / "state" / name
        whole = path.read_bytes()
        for damaged in (whole[: len(whole) // 2], b""):
            path.write_bytes(damaged)
            message = refused(capfd, *training)
            assert message.startswith(f"{run / 'state'}: expected a complete checkpoint")
            assert "to start again" in message
        path.write_bytes(whole)
    assert tree(run) == before


def test_a_memory_of_other_images_is_refused(pictures, tmp_path, capfd):
    done(capfd, "memory", "--data", pictures, "--size", 16, "--encoder-steps", 1, "--out", tmp_path / "m")
    (next(pictures.rglob("*.png"))).unlink()
    message = refused(
        capfd,
        "train",
        "--preset",
        "rdm",
        "--memory",
        tmp_path / "m",
        "--data",
        pictures,
        "--size",
        16,
        "--out",
        tmp_path / "run",
        "--device",
        "cpu",
    )
    assert "expected one made from these 19 images" in message and not (tmp_path / "run" / "state").exists()


def test_a_folder_of_something_else_is_never_replaced(saved, pictures, tmp_path, capfd, quick_umap):
    notes = tmp_path / "thesis"
    notes.mkdir()
    (notes / "chapter.txt").write_text("years of work")
    for out in (notes, notes / "chapter.txt"):
        for command in (("map", "--model", saved), ("memory", "--size", 16)):
            message = refused(capfd, *command, "--data", pictures, "--out", out)
            assert message.startswith(f"--out {out}: expected a new or empty folder")
    assert tree(notes) == {"chapter.txt": b"years of work"}
    making = ("map", "--model", saved, "--data", pictures, "--out", tmp_path / "map")
    done(capfd, *making, "--count", 10)
    done(capfd, *making, "--count", 12)  # a map takes the place of a map
    assert len(load_map(tmp_path / "map")) == 12


# A full disk


def no_space(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def says_what_to_do(message: str) -> bool:
    return "No space left on device" in message and "free some space" in message


def test_a_disk_that_fills_up_while_pictures_are_saved_leaves_only_whole_ones(saved, tmp_path, capfd, monkeypatch):
    write, written = Path.write_bytes, []

    def fill(self, data):
        written.append(self)
        if len(written) == 3:
            write(self, data[: len(data) // 2])
            no_space()
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", fill)
    out = tmp_path / "out"
    message = refused(
        capfd, "sample", "--model", saved, "--count", 4, "--steps", 1, "--device", "cpu", "--out", out, bars=True
    )
    assert says_what_to_do(message)
    assert sorted(p.name for p in out.iterdir()) == ["0000.png", "0001.png"]
    assert [read_recipe(p).seed for p in sorted(out.iterdir())] == [0, 1]


def test_a_full_disk_leaves_no_half_of_a_map_a_memory_or_an_evaluation(
    saved, pictures, tmp_path, capfd, monkeypatch, quick_umap
):
    def rust(*arguments):  # safetensors raises a type of its own
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("pdm.map.projection.save_file", no_space)
    monkeypatch.setattr("pdm.retrieval.encoded.save_file", rust)
    monkeypatch.setattr("pdm.evaluation.feature_file.pq.write_table", no_space)
    out = tmp_path / "out" / "x"
    for command in (
        ("map", "--model", saved, "--count", 12),
        ("memory", "--size", 16, "--encoder-steps", 1),
        (
            "evaluate",
            "--model",
            saved,
            "--samples",
            130,
            "--steps",
            1,
            "--device",
            "cpu",
            "--method",
            "unconditional",
            "--cache",
            tmp_path / "cache",
        ),
    ):
        code = call(*command, "--data", pictures, "--out", out)
        captured = capfd.readouterr()
        last = captured.err.splitlines()[-1]
        assert code == 2 and last.startswith("pdm: error: ") and says_what_to_do(last) and "Traceback" not in last
    whole = {"classifier", "parts"}  # the feature net, and the samples that the next call goes on from
    assert [p.name for p in out.parent.rglob("*") if whole.isdisjoint(p.parts)] == ["x"]


def test_a_full_disk_while_training_leaves_no_half_of_a_checkpoint(pictures, tmp_path, capfd, monkeypatch):
    run = tmp_path / "run"
    training = ("train", "--data", pictures, "--size", 16, "--out", run, "--device", "cpu", "--images", 16)
    done(capfd, *training, "--max-minutes", 1e-9)
    before = tree(run / "state")

    def torch_save(self, folder, **options):  # how torch.save reports it, after half of the files
        (Path(folder) / "model.safetensors").write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598\nframe #0: ...")

    for failure in (torch_save, no_space):
        monkeypatch.setattr(accelerate.Accelerator, "save_state", failure)
        message = refused(capfd, *training, bars=True)
        assert "expected room for a checkpoint" in message or says_what_to_do(message)
        assert tree(run / "state") == before
        assert not [p for p in run.rglob("*") if p.name.startswith(".")]
    monkeypatch.undo()


def test_a_sample_grid_that_cannot_be_written_leaves_the_old_one(pictures, tmp_path, capfd, monkeypatch):
    run = tmp_path / "run"
    training = ("train", "--data", pictures, "--size", 16, "--out", run, "--device", "cpu", "--images", 16)
    for _ in range(3):  # the third ends after the denoiser's first step
        done(capfd, *training, "--max-minutes", 1e-9)
    before = (run / "samples.png").read_bytes()

    def half(self, path, **options):
        Path(path).write_bytes(b"\x89PNG")
        no_space()

    monkeypatch.setattr(Image.Image, "save", half)
    assert says_what_to_do(refused(capfd, *training, bars=True))
    assert (run / "samples.png").read_bytes() == before
