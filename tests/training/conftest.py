"""What tests of training share."""

from dataclasses import replace

import pytest
from accelerate.state import AcceleratorState

from pdm.training.train import train
from tests.tiny import banded, tiny_config


@pytest.fixture(scope="module", params=["pdm", "rdm"])
def teacher(request, tmp_path_factory):
    """The method and the folder of a model that was trained for a step."""
    folder = tmp_path_factory.mktemp("teacher")
    config = tiny_config(request.param)
    config = replace(config, optim=replace(config.optim, images=config.optim.batch_size))
    return request.param, train(config, banded(), folder, cpu=True)


@pytest.fixture
def fresh_accelerator():
    """Accelerate settles on one precision a process; this forgets it, before and after."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
