"""The benchmark's file keeps what it holds, and its table says what passes and what misses."""

import json
from dataclasses import replace

import pytest
import torch

from pdm.cli import main
from pdm.config import NETS, PRESETS
from pdm.data.images import to_unit
from pdm.editing.edits import apply
from pdm.editing.history import EditHistory
from pdm.experiments.bench import edits as bench_edits
from pdm.experiments.bench import prototypes as bench_prototypes
from pdm.experiments.bench import run as run_module
from pdm.experiments.bench.bars import BARS
from pdm.experiments.bench.bench import Bench
from pdm.experiments.bench.browser import click, preview, prototype_map
from pdm.experiments.bench.run import SECTIONS, run, sections, table
from pdm.model.conditioning import from_vectors
from pdm.support.paths import ASSETS
from tests.latents import colour_folders, latent_pdm


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bench.json"


def quick(saved, path, *names: str) -> dict:
    run(path, list(names), assets=saved, data_set="none", command="bench", device="cpu", quick=True)
    return json.loads(path.read_text())


def test_a_quick_run_by_the_command_line_writes_every_key_of_its_sections(saved, path, capsys):
    command = ["bench", "--json", str(path), "--assets", str(saved), "--only", "memory,condition", "--quick"]
    assert main([*command, "--device", "cpu"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == f"wrote memory, condition to {path}"
    results = json.loads(path.read_text())
    assert {key for key in results if key.startswith(("memory.", "condition."))} == {
        "memory.pdm_bytes",
        "memory.rdm_bytes",
        "memory.rdm_over_pdm",
        "memory.pdm_ram_bytes",
        "memory.rdm_ram_bytes",
        "condition.pdm_ms",
        "condition.rdm_ms",
    }
    assert results["version"] == 1 and results["command"] == (
        f"python -m pdm bench --json {path} --assets {saved} --data fashion-mnist --device cpu"
    )
    assert set(results["settings"]) == {"memory", "condition"} and results["settings"]["memory"]["quick"] is True
    assert results["machine"]["device"] == "cpu" and results["machine"]["torch"] == torch.__version__
    assert any(line.startswith("memory.rdm_over_pdm") and line.endswith("miss") for line in out)


def test_a_section_measured_on_another_machine_says_so_and_the_others_keep_theirs(saved, path, monkeypatch):
    first = quick(saved, path, "memory")["machine"]
    monkeypatch.setattr(run_module, "_cpu_model", lambda: "another")
    results = quick(saved, path, "condition")
    assert results["machine"] == first and "machine" not in results["settings"]["memory"]
    assert results["settings"]["condition"]["machine"] == first | {"cpu": "another"}
    monkeypatch.undo()
    assert "machine" not in quick(saved, path, "condition")["settings"]["condition"]


def test_the_images_are_as_large_as_the_models_pictures_where_its_net_paints_latents_too(tmp_path):
    latent_pdm().save_pretrained(tmp_path / "pdm")
    folder = colour_folders(tmp_path / "images")
    bench = Bench(tmp_path, str(folder), torch.device("cpu"), quick=True)
    assert bench.train.images.shape[-1] == bench.pdm.image_size > bench.pdm.denoiser.config.image_size
    used, settings = bench_prototypes.prototypes(bench)
    obeyed, _ = bench_prototypes.prototype_fidelity(bench)
    assert used["prototypes.used"] >= 1 and settings["images"] == len(bench.train) and 0 <= obeyed["fidelity.top5"] <= 1


def test_bytes_are_those_of_the_tensors_that_must_be_kept(saved, path, pdm_pipeline, rdm_pipeline):
    results = quick(saved, path, "memory")
    pdm = 8 * 16 * 4 + 1024 * 8 * (1 + 1)  # vectors; a table of eight ids and weights in a byte each
    rdm = 96 * (16 * 4 + 4 + 4)  # embeddings, popularity, source ids
    assert (results["memory.pdm_bytes"], results["memory.rdm_bytes"]) == (pdm, rdm)
    assert results["memory.rdm_over_pdm"] == pytest.approx(rdm / pdm)
    assert results["memory.rdm_ram_bytes"] == rdm + 96 * 16 * 4


def test_photos_are_read_in_a_process_of_its_own(saved, path):
    results = quick(saved, path, "reading")
    assert results["reading.seconds"] > 0 and 0.05 < results["reading.peak_rss_gb"] < 5
    assert results["settings"]["reading"]["kept"] <= 40


def test_times_to_find_a_condition_are_milliseconds(saved, path):
    results = quick(saved, path, "condition")
    settings = results["settings"]["condition"]
    for method in ("pdm", "rdm"):
        assert results[f"condition.{method}_ms"] == pytest.approx(1000 * settings[method]["median_s"], abs=1e-4)
        assert results[f"condition.{method}_ms"] > 0
    assert settings["memory_entries"] == 96


def test_the_share_of_the_peak_is_counted_work_over_measured_time(saved, path, pdm_pipeline):
    results = quick(saved, path, "roofline")
    settings = results["settings"]["roofline"]
    layers = [m for m in pdm_pipeline.denoiser.modules() if isinstance(m, torch.nn.Conv2d)]
    assert settings["flops"] > 2 * 2 * sum(m.weight.numel() for m in layers)  # two pictures, two steps, once a weight
    peak = 2 * settings["matrix"] ** 3 / settings["multiplied"]["median_s"]
    reached = settings["flops"] / settings["sampled"]["median_s"]
    assert results["speed.roofline_cpu"] == pytest.approx(reached / peak, rel=0.01)
    assert results["speed.peak_tflops"] == pytest.approx(peak / 1e12, rel=0.01)


def test_training_is_measured_in_images_a_second(saved, path, monkeypatch):
    whole = replace(
        PRESETS["eurosat-64-cpu"], precision="no"
    )  # a process trains in one precision, and this one in full
    monkeypatch.setitem(PRESETS, "eurosat-64-cpu", whole)
    results = quick(saved, path, "train")
    assert results["train.images_per_s.cpu"] > 0 and 0 < results["train.peak_share.cpu"] < 1.5
    assert results["settings"]["train"]["presets"] == {"cpu": "eurosat-64-cpu"}


def test_pictures_of_128_px_are_trained_and_painted_in_an_autoencoders_space(saved, path, monkeypatch):
    monkeypatch.setitem(PRESETS, "latent-128", replace(PRESETS["latent-128"], precision="no"))
    results = quick(saved, path, "latents")
    assert results["latents.images_per_s"] > 0 and results["latents.batch16_s"] > 0
    net, settings = NETS["latent-128"], results["settings"]["latents"]
    assert settings["preset"] == "latent-128" and settings["images"] == 16
    assert settings["parameters"] > 9 * net.block_out_channels[-1] ** 2


def test_losses_are_those_of_single_images_at_the_same_noise(saved, path, images, pdm_pipeline, monkeypatch):
    monkeypatch.setattr(Bench, "test", images)
    results = quick(saved, path, "loss")
    generator, x = torch.Generator().manual_seed(0), to_unit(images.images[:40])
    sigma = (torch.randn(40, generator=generator) * 1.2 - 1.2).exp()
    noise = torch.randn(x.shape, generator=generator)
    ids, weights = pdm_pipeline.bank.mixture(pdm_pipeline.bank.encode(x))
    condition = from_vectors(pdm_pipeline.bank.vectors, ids, weights)
    total = 0.0
    for i in range(40):
        with torch.no_grad():
            clean = pdm_pipeline.denoiser(x[i : i + 1] + sigma[i] * noise[i], sigma[i : i + 1], condition[i : i + 1])
        total += ((sigma[i] ** 2 + 0.25) / (0.5 * sigma[i]) ** 2 * (clean - x[i : i + 1]).square().mean()).item()
    assert results["loss.pdm"] == pytest.approx(total / 40, rel=0.02)  # measured in bfloat16
    assert {key for key in results if key.startswith("loss.")} == {
        "loss.pdm",
        "loss.pdm_null",
        "loss.pdm_nearest",
        "loss.pdm_feature",
        "loss.rdm",
    }


def test_a_model_without_a_student_has_no_ratio(saved, path):
    assert quick(saved, path, "tune")["tune.two_step_ratio"] is None


def test_what_the_file_held_is_kept_and_what_is_measured_again_is_replaced(saved, path):
    old = {"version": 1, "prototypes.used": 64, "memory.pdm_bytes": -1, "settings": {"speed": {"images": 16}}}
    path.write_text(json.dumps(old))
    results = quick(saved, path, "memory")
    assert results["prototypes.used"] == 64 and results["memory.pdm_bytes"] > 0
    assert results["settings"]["speed"] == {"images": 16} and "memory" in results["settings"]


def test_a_section_that_is_done_is_in_the_file_before_the_next_one_fails(saved, path, monkeypatch):
    def fail(bench):
        raise ValueError("no data")

    monkeypatch.setitem(SECTIONS, "quality", fail)
    with pytest.raises(ValueError, match="no data"):
        run(path, ["memory", "quality"], assets=saved, data_set="none", command="bench", device="cpu", quick=True)
    assert "memory.pdm_bytes" in json.loads(path.read_text())


def test_the_table_marks_pass_and_miss_on_the_right_side_of_each_bar():
    lines = table(
        {
            "prototypes.used": 64,
            "prototypes.nmi": 0.479,
            "fidelity.top1": None,
            "quality.pdm_over_unconditional": 1.0,
            "quality.pdm_over_rdm": 1.0999,
            "app.start_s": 12,
            "speed.overhead": 1.11,
            "paper.k15.used": 3,
            "machine": {"cpu": "x"},
        }
    ).splitlines()
    verdicts = {line.split()[0]: line.split()[-1] for line in lines[1:]}
    assert verdicts == {
        "prototypes.used": "pass",
        "prototypes.nmi": "miss",
        "fidelity.top1": "miss",
        "quality.pdm_over_unconditional": "miss",
        "quality.pdm_over_rdm": "pass",
        "app.start_s": "pass",
        "speed.overhead": "miss",
        "paper.k15.used": "-",
    }
    assert next(line for line in lines if "nmi" in line).split() == ["prototypes.nmi", "0.479", ">=", "0.48", "miss"]


def test_a_map_drawn_in_software_has_twice_the_time_for_a_frame():
    slow = {"map.frame_ms": 50.0, "map.paint_s": 1.0}
    for software, verdict, bar in ((True, "pass", "66"), (False, "miss", "33")):
        lines = table(slow | {"settings": {"map": {"software": software}}}).splitlines()
        assert lines[1].split() == ["map.frame_ms", "50", "<=", bar, verdict]
        assert lines[2].split() == ["map.paint_s", "1", "<=", "2", "pass"]


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        (prototype_map, {"map.paint_s", "map.frame_ms"}),
        (preview, {"edits.preview_s"}),
        (click, {"speed.click_to_pixels_s"}),
    ],
)
def test_without_a_browser_nothing_is_measured_and_one_line_says_how_to_get_one(monkeypatch, capsys, section, keys):
    monkeypatch.setattr("shutil.which", lambda name: None)
    numbers, settings = section(Bench(ASSETS / "fashion-mnist", "none", torch.device("cpu"), quick=True))
    assert numbers == dict.fromkeys(keys) and "chromium" in settings["browser"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("bench: ") and "apt-get install chromium" in line


def test_the_edits_of_a_session_all_change_the_set_and_never_let_it_grow(studio):
    generator, history = torch.Generator().manual_seed(0), EditHistory.start(studio.base)
    for i in range(40):
        edited, what = apply(history.now, *bench_edits._next_edit(studio, history, i, generator), studio.edit_context)
        history = history.do(what, edited)
        assert len(history.steps) == i + 2 and studio.count <= len(edited.ids) <= studio.count + 1


def test_growth_counts_what_a_session_keeps(studio, monkeypatch):
    monkeypatch.setattr(bench_edits, "WARM_UP", 1)
    kept, run_edit, large = [], bench_edits.apply, 40_000_000  # too large for memory that was freed before
    monkeypatch.setattr(bench_edits, "apply", lambda *a: kept.append(bytearray(b"x" * large)) or run_edit(*a))
    assert 3 * large < bench_edits._growth(studio, 3) < 5 * large


def test_every_bar_belongs_to_a_section():
    assert {key.split(".")[0] for key in BARS} <= set(SECTIONS)


def test_sections_are_all_or_the_named_ones():
    assert sections(None) == list(SECTIONS)
    assert sections("speed, memory") == ["speed", "memory"]
    with pytest.raises(ValueError, match="^--only: expected some of prototypes, .*, got 'sped'"):
        sections("speed,sped")


@pytest.mark.parametrize("text", ["[]", "{", "\0", '{"prototypes.used": 64}', '{"version": 2}'])
def test_a_file_that_is_no_earlier_bench_is_refused_and_kept(saved, path, text):
    path.write_text(text)
    with pytest.raises(ValueError, match="bench.json: expected results (as JSON|of version 1), got"):
        run(path, ["memory"], assets=saved, data_set="none", command="bench", device="cpu", quick=True)
    assert path.read_text() == text


def test_fidelity_is_measured_from_one_picture_of_each_prototype_when_quick(saved):
    numbers, settings = bench_prototypes.prototype_fidelity(Bench(saved, "none", torch.device("cpu"), quick=True))
    assert set(numbers) == {"fidelity.top1", "fidelity.top5"} and settings["per_prototype"] == 1
    assert 0 <= numbers["fidelity.top1"] <= numbers["fidelity.top5"] <= 1
    assert numbers["fidelity.top5"] * 8 == round(numbers["fidelity.top5"] * 8)  # a share of eight pictures
