"""What the README and the other documents say is so: their examples run, their commands parse, their links lead on."""

import re
import shlex

import pytest

from pdm.cli import build_parser
from tests.documents import DOCUMENTS, ROOT, commands, examples

LIBRARY = [block for block in examples("python") if "gradio_client" not in block]


@pytest.mark.slow
def test_the_readmes_library_examples_run_one_after_the_other(tmp_path, monkeypatch):
    assert len(LIBRARY) == 3
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    exec("\n".join(LIBRARY), {})
    assert (tmp_path / "picture.png").stat().st_size and (tmp_path / "set.safetensors").stat().st_size


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_is_one_that_the_command_line_takes(path):
    for command in commands(path):
        if "..." not in command:
            build_parser().parse_args(shlex.split(command))


def test_the_readmes_two_commands_are_word_for_word_what_the_ci_and_a_visitor_run():
    text = (ROOT / "README.md").read_text()
    assert "```bash\npip install -r requirements.txt && python app.py\n```" in text
    test_command = "pip install -r requirements-dev.txt && python -m pytest"
    assert f"```bash\n{test_command}\n```" in text
    assert f"\n{test_command}\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_module_paths_lead_to_files(path):
    text = path.read_text()
    for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link
    for place in re.findall(r"`(pdm/[\w./]*|tests/[\w./]*|docs/[\w./]*|\.ci/run)`", text):
        assert (ROOT / place).exists(), place
    for module in re.findall(r"\bpdm\.[a-z_]+(?:\.[a-z_]+)*(?=[\s`])", "\n".join(examples("python", path))):
        parts = ROOT.joinpath(*module.split("."))
        assert parts.is_dir() or parts.with_suffix(".py").is_file(), module
