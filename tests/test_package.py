"""The package as others get it: what `import pdm` exports and costs, and what a wheel holds."""

import ast
import importlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pdm

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("-r")]


def test_every_exported_name_is_what_its_module_holds():
    assert set(pdm.__all__) == set(pdm._HOME) <= set(dir(pdm))
    for name, home in pdm._HOME.items():
        assert getattr(pdm, name) is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = pdm.Nothing


def test_a_type_checker_sees_the_names_that_are_exported():
    """The imports of the block under TYPE_CHECKING are the table that __getattr__ reads."""
    block = next(node for node in ast.parse(Path(pdm.__file__).read_text()).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.name: node.module for node in imports for alias in node.names} == pdm._HOME
    assert (Path(pdm.__file__).parent / "py.typed").is_file()


def test_import_pdm_imports_nothing_heavy():
    code = "import sys, pdm; print(sorted({'torch', 'diffusers', 'gradio', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_extra_dev_is_the_file_of_development_requirements(project):
    extras = project["project"]["optional-dependencies"]
    assert extras["dev"] == requirements("requirements-dev.txt")
    assert set(extras["qdrant"]) <= set(extras["dev"])


@pytest.mark.slow
def test_a_wheel_holds_the_package_whole_and_nothing_else(tmp_path, project):
    """Built from a copy, so that nothing is left in the checkout; without a network, by the setuptools that is here."""
    pytest.importorskip("setuptools", minversion="77")
    shutil.copytree(ROOT / "pdm", tmp_path / "pdm", ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    code = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    with zipfile.ZipFile(next((tmp_path / "dist").glob("prototype_diffusion_studio-*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
        about = wheel.read(next(name for name in wheel.namelist() if name.endswith("METADATA"))).decode()
    files = (path for path in (tmp_path / "pdm").rglob("*") if path.is_file())
    assert held == {path.relative_to(tmp_path).as_posix() for path in files}
    assert f"Version: {project['project']['version']}\n" in about
    for line in requirements("requirements.txt"):
        name = line.split(">=")[0]
        assert f"Requires-Dist: {name}>=" in about or f"Requires-Dist: {name}<" in about
