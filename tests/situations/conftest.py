"""What the situations share."""

import datasets
import pytest

from tests.situations.pictures import folder_of


@pytest.fixture(autouse=True)
def hub_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture
def pets(tmp_path):
    """Thirty different pictures of two classes."""
    return folder_of(tmp_path / "pets", {"cat": 15, "dog": 15})
