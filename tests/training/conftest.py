"""What tests of training share."""

import pytest
from accelerate.state import AcceleratorState


@pytest.fixture
def fresh_accelerator():
    """Accelerate settles on one precision a process; this forgets it, before and after."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
