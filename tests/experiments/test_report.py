"""The README's tables: the numbers of the files of results and no others, each between two lines of the README."""

import pytest

from pdm.experiments import report
from pdm.experiments.bench.bars import BARS
from pdm.experiments.bench.bench_table import ROWS, bench_table, passed_and_barred
from pdm.experiments.report import SHORT, TABLES, marks, section, write_report
from pdm.results.shapes import KINDS, SHIPPED
from pdm.results.table import markdown
from pdm.support.paths import ASSETS
from tests.command_line import done, refused
from tests.made_up_results import BENCH, EVALUATION, results_folder


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    parts = [f"{begin}old\n{end}\n\nBetween.\n" for begin, end in [marks("tiny", name) for name in TABLES]]
    path.write_text("# Title\n\n" + "".join(parts) + "\nThe end.\n")
    return path


def test_each_measurement_is_written_as_its_row_says_and_a_miss_is_marked():
    lines = markdown(bench_table(BENCH)).splitlines()
    assert lines[:2] == ["| what | measured | bar |", "|---|---|---|"]
    assert "| prototypes used | 64 | ≥ 64 |" in lines
    assert "| finding the condition: PDM / RDM | 0.07 ms / 0.60 ms |  |" in lines
    assert next(line for line in lines if "512x" in line).endswith("| ≥ 700x (**missed**) |")
    assert next(line for line in lines if "NMI" in line).endswith("| not measured | ≥ 0.48 |")
    assert not any("perplexity" in line for line in lines)  # a key of a section that did not run
    assert lines[-1] == "On a machine (cpu, 2 threads), bfloat16. Measured by `python -m pdm bench --json x`."
    assert passed_and_barred(BENCH) == (1, 2)


def test_bars_are_those_of_the_models_data_set():
    results = BENCH | {"data_set": "cifar10", "fidelity.top1": 0.1, "fidelity.top5": 0.8}
    lines = markdown(bench_table(results)).splitlines()
    assert "| prototypes used | 64 | ≥ 128 (**missed**) |" in lines
    assert next(line for line in lines if "f_phi assigns" in line).endswith("| 0.10 / 0.80 | – / ≥ 0.8 |")
    assert any(line.endswith("512x |  |") for line in lines)


def test_the_table_says_what_the_model_had_seen_and_where_sections_differ_in_it():
    settings = {"speed": {"images_seen": 2000}, "prototypes": {"images_seen": 2000}, "visitors": {"images_seen": 1}}
    results = BENCH | {"settings": settings}
    assert "The model had seen 2,000 images in training then." in bench_table(results).notes
    settings["speed"] = {"images_seen": 3000}
    differ = "The model had seen 2,000 (prototypes) or 3,000 (speed) images in training then."
    assert differ in bench_table(results).notes


def test_the_table_says_which_machine_each_section_was_measured_on():
    other = BENCH["machine"] | {"cpu": "another"}
    settings = {"speed": {}, "prototypes": {"machine": other}, "visitors": {"machine": other}}
    notes = bench_table(BENCH | {"settings": settings}).notes
    assert notes == (
        "On a machine (cpu, 2 threads), bfloat16: speed.",
        "On another (cpu, 2 threads), bfloat16: prototypes.",
    )
    del settings["speed"]
    assert bench_table(BENCH | {"settings": settings}).notes == ("On another (cpu, 2 threads), bfloat16.",)


def test_every_bar_of_a_cpu_stands_in_the_table():
    assert {key for row in ROWS for key in row.keys} >= set(BARS) - {
        "speed.roofline_gpu",
        "train.images_per_s.32",
        "train.images_per_s.64",
    }


def test_only_what_lies_between_the_marks_is_replaced(readme, tmp_path):
    folder = results_folder(tmp_path / "tiny")
    write_report(readme, folder)
    first = readme.read_text()
    both = [(name, *marks("tiny", name)) for name in TABLES]
    parts = [begin + section(folder, name) + end + "\n\nBetween.\n" for name, begin, end in both]
    assert first == "# Title\n\n" + "".join(parts) + "\nThe end.\n" and "old" not in first
    write_report(readme, folder)
    assert readme.read_text() == first


def test_the_command_leaves_out_what_is_missing_with_a_line_that_measures_it(readme, tmp_path, capfd):
    folder = results_folder(tmp_path / "tiny", bench=BENCH)
    line = done(capfd, "report", "--results", folder, "--readme", readme)
    imagenet = ("-imagenet", "-rdm-imagenet", "-imagenet-guided", "-rdm-imagenet-guided")
    evaluations = ("", "-rdm", "-guided", "-rdm-guided", "-queries", *imagenet)
    missing = ", ".join([*(f"tiny/evaluation{name}.json" for name in evaluations), "tiny/ablation.json"])
    assert line == f"wrote the tables to {readme}; not measured: {missing}"
    text = readme.read_text()
    assert "512x" in text
    assert "Not measured yet; `python -m pdm ablate --data DATA --out runs/tiny` does it." in text
    assert "evaluate --model eurosat --data eurosat --noise-floor" in KINDS["evaluation"].command("eurosat")
    done(capfd, "report", "--results", results_folder(folder, evaluation=EVALUATION), "--readme", readme)
    assert "| pdm | 0.73 |" in readme.read_text()


def test_a_damaged_file_and_a_readme_without_marks_are_one_line_and_the_readme_stays(readme, tmp_path, capfd):
    folder, before = results_folder(tmp_path / "tiny"), readme.read_text()
    (folder / "ablation.json").write_text('{"version": 1')
    command = ("report", "--results", folder, "--readme", readme)
    assert "ablation.json: expected results as JSON, got" in refused(capfd, *command)
    (folder / "ablation.json").write_text('{"version": 9}')
    assert "ablation.json: expected results of version 1, got 9" in refused(capfd, *command)
    assert readme.read_text() == before
    (folder / "ablation.json").unlink()
    readme.write_text(before.replace("<!-- end of tiny evaluation -->", ""))
    line = "expected the line <!-- end of tiny evaluation --> after <!-- tiny evaluation -->, got none"
    assert line in refused(capfd, *command)
    readme.write_text(before.replace("<!-- tiny ", "<!-- large "))
    assert "expected the lines <!-- tiny bench --> and <!-- end of tiny bench -->" in refused(capfd, *command)
    assert "--results nowhere: expected a folder of results, got none" in refused(
        capfd, "report", "--results", "nowhere", "--readme", readme
    )


def test_without_options_all_results_that_ship_are_written_into_both_files(tmp_path, capfd, monkeypatch):
    results = tmp_path / "assets" / SHIPPED
    for name in ("tiny", "other", "unmarked"):
        results_folder(results / name, bench=BENCH | {"quality.pdm": 0.73})
    tables, readme = results / "README.md", tmp_path / "README.md"
    tables.write_text("".join("".join(marks(name, "bench")) for name in ("tiny", "other")))
    readme.write_text("".join(marks("tiny", SHORT)))
    monkeypatch.setattr(report, "ASSETS", tmp_path / "assets")
    assert done(capfd, "report") == f"wrote the tables to {tables}, {readme}"
    assert tables.read_text().count("512x") == 2 and "≥ 700x" in tables.read_text()
    short = readme.read_text()
    assert "| what | measured |\n" in short and "| Frechet distance: PDM | 0.73 |" in short and "512x" not in short
    tables.unlink()
    readme.unlink()
    assert "--results: expected a folder of results" in refused(capfd, "report")
    assert "--results: expected a folder of results beside --readme" in refused(capfd, "report", "--readme", readme)


def test_a_folder_without_a_file_named_is_written_beside_it(tmp_path, capfd):
    folder = results_folder(tmp_path / "tiny", bench=BENCH)
    (tmp_path / "README.md").write_text("".join(marks("tiny", "bench")))
    assert done(capfd, "report", "--results", folder) == f"wrote the tables to {tmp_path / 'README.md'}"
    assert "512x" in (tmp_path / "README.md").read_text()


def test_the_readmes_tables_are_those_of_the_shipped_files():
    short, long = (path.read_text() for path in (ASSETS.parent / "README.md", ASSETS / SHIPPED / "README.md"))
    readme, found = short + long, 0
    for folder in (ASSETS / SHIPPED).iterdir():
        for begin, end, name in [(*marks(folder.name, name), name) for name in (*TABLES, SHORT)]:
            if begin in readme or folder.name == "fashion-mnist":
                assert begin + section(folder, name) + end in readme, (folder.name, name)
                found += 1
    assert found >= len(TABLES)
    assert all(marks(name, SHORT)[0] in short for name in ("fashion-mnist", "eurosat", "cifar10"))
    assert len(short.splitlines()) <= 250
