"""What is written can be read by those whom the umask lets read, as if a plain open() had written it."""

import os
import stat

import pytest
import torch
from safetensors.torch import save_file

from pdm.support.files import atomic_file, atomic_folder, write_json


@pytest.fixture(params=[0o022, 0o077, 0o002], ids=oct)
def expected(request, tmp_path):
    """The mode of a file that open() creates under this umask."""
    before = os.umask(request.param)
    try:
        (tmp_path / "plain").write_text("")
        yield stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    finally:
        os.umask(before)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_one_that_takes_an_old_ones_place_follow_the_umask(tmp_path, expected):
    for value in (1, 2):
        write_json(tmp_path / "a.json", value)
        assert mode(tmp_path / "a.json") == expected


def test_weights_follow_the_umask_although_safetensors_makes_them_private(tmp_path, expected):
    with atomic_file(tmp_path / "a.safetensors") as part:
        save_file({"x": torch.ones(2)}, part)
    with atomic_folder(tmp_path / "model") as part:
        (part / "bank").mkdir()
        save_file({"x": torch.ones(2)}, part / "bank" / "b.safetensors")
    assert mode(tmp_path / "a.safetensors") == mode(tmp_path / "model" / "bank" / "b.safetensors") == expected
    assert sorted(p.name for p in (tmp_path / "model").rglob("*")) == ["b.safetensors", "bank"]
