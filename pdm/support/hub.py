"""The Hugging Face hub, asked without noise: what goes wrong becomes one error, not ten lines about retries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_hub() -> Iterator[None]:
    """huggingface_hub says only errors inside, and as much as before afterwards."""
    from huggingface_hub import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
