"""The README's table: the numbers of bench.json and no others, with misses marked, between two lines of the file."""

import json

import pytest

from pdm.bench import BARS
from pdm.cli import main
from pdm.loading import ASSETS
from pdm.report import BEGIN, END, ROWS, table, write_report

RESULTS = {"prototypes.used": 64, "speed.vs_paper": 512.4, "condition.pdm_ms": 0.071, "condition.rdm_ms": 0.6}


@pytest.fixture
def files(tmp_path):
    readme, bench = tmp_path / "README.md", tmp_path / "bench.json"
    readme.write_text(f"# Title\n\n{BEGIN}old\n{END}\n\nThe end.\n")
    bench.write_text(json.dumps(RESULTS))
    return readme, bench


def test_each_number_is_written_as_its_row_says_and_a_miss_is_marked():
    lines = table(RESULTS).splitlines()
    assert "| prototypes used of 64 | 64 | ≥ 64 |" in lines
    assert "| finding the condition: PDM / RDM | 0.07 ms / 0.60 ms |  |" in lines
    assert next(line for line in lines if "512x" in line).endswith("| ≥ 700x (**missed**) |")
    assert next(line for line in lines if "NMI" in line).endswith("| not measured | ≥ 0.48 |")


def test_every_bar_of_a_cpu_stands_in_the_table():
    assert {key for row in ROWS for key in row.keys} >= set(BARS) - {"speed.roofline_gpu"}


def test_only_what_lies_between_the_marks_is_replaced(files):
    readme, bench = files
    write_report(readme, bench)
    first = readme.read_text()
    assert first == f"# Title\n\n{BEGIN}{table(RESULTS)}{END}\n\nThe end.\n"
    write_report(readme, bench)
    assert readme.read_text() == first


def test_a_readme_without_marks_and_a_file_that_is_no_bench_are_refused_and_left(files):
    readme, bench = files
    bench.write_text("[]")
    with pytest.raises(ValueError, match="expected a file of python -m pdm bench, got list"):
        write_report(readme, bench)
    readme.write_text("nothing")
    bench.write_text("{}")
    with pytest.raises(ValueError, match="README.md: expected the lines <!-- results -->"):
        write_report(readme, bench)
    assert readme.read_text() == "nothing"


def test_the_command_measures_nothing_when_told_so(files, capsys):
    readme, bench = files
    assert main(["bench", "--json", str(bench), "--only", "none", "--readme", str(readme)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{bench} is as it was, and the table to {readme}"
    assert json.loads(bench.read_text()) == RESULTS and "512x" in readme.read_text()


def test_the_readmes_table_is_the_shipped_files():
    readme = (ASSETS.parent / "README.md").read_text()
    assert table(json.loads((ASSETS / "fashion-mnist" / "bench.json").read_text())) in readme
