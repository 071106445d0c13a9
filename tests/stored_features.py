"""Features of a map, as they come back from its file."""

import torch


def assert_stored(found: torch.Tensor, made: torch.Tensor) -> None:
    """As near as whole numbers of 8 bits are, with a scale for each image."""
    step = made.abs().amax(1, keepdim=True) / 127
    assert found.dtype == made.dtype and ((found - made).abs() <= 0.501 * step).all()
