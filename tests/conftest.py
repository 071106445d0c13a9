"""How the suite runs: offline, on one thread a worker, and what takes longest first.

Nothing heavy is imported here, because pytest-xdist's controller reads this file too, before its workers start.
"""

import gc
import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # no network is touched: switched off before anything imports the hub's library
# One thread for each worker and for every process that a test starts. Numba's as well: where it may have two, it gives
# torch two when UMAP first runs, and every small net waits for the second from then on, up to a hundred times longer.
for threads in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[threads] = "1"

os.environ["PDM_FSYNC"] = "0"  # a test waits for no disk
os.environ["NUMBA_OPT"] = "1"  # UMAP compiles itself a little sooner, and lays out few points here

LONGEST = (
    "tests/ui",
    "tests/test_two_processes",
    "tests/experiments",
    "tests/training",
    "tests/support/test_lean_imports",
    "tests/map/test_layout",
    "tests/evaluation",
    "tests/editing",
    "tests/commands",
    "tests/test_documents",
)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds; leave it out with -m 'not slow'")
    if os.environ.get("PYTEST_XDIST_WORKER") or not config.getoption("numprocesses", None):
        _prepare(config)


def _prepare(config) -> None:
    """In the process that runs tests."""
    import torch
    from hypothesis import settings

    from pdm.support.lean_imports import import_diffusers, import_gradio

    torch.set_num_threads(1)
    import_diffusers()  # as the app does; commands that tests start import it as it is
    import_gradio()
    # The same examples in every run, so that a change decides whether it passes; PDM_HOSTILE asks for new ones.
    same = "PDM_HOSTILE" not in os.environ
    settings.register_profile("quick", deadline=None, max_examples=25, derandomize=same, database=None)
    settings.load_profile("quick")
    config.pluginmanager.import_plugin("tests.fixtures")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """What takes longest comes first, so that no worker is left alone with one of them at the end."""

    def place(item) -> int:
        folder = item.path.relative_to(config.rootpath).as_posix()
        return next((i for i, start in enumerate(LONGEST) if folder.startswith(start)), len(LONGEST))

    items.sort(key=place)


def pytest_collection_finish():
    """What the imports made stays: to look through it for garbage takes a third of a second, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
