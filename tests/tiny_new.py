"""`python -m pdm new` with tiny nets, in a process that is forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pdm.making.runs import Runs
from tests.tiny import tiny_config

STEP = 0.02  # seconds that each batch of the denoiser takes at least, so that a test sees it work


class Umap:
    """A layout without UMAP, which takes seconds to import."""

    def __init__(self, **options):
        pass

    def fit_transform(self, features: np.ndarray) -> np.ndarray:
        return features[:, :2]


def patched(patch: pytest.MonkeyPatch) -> None:
    """Tiny nets at 32 px, a pace that is known, small grids."""
    from pdm.making import model_card, plan, recipe
    from pdm.making.pace import Pace

    pace = Pace("1 CPU threads", 1_000, prototype_step=0.01, image=0.01, encoder_step=0.01, classifier_image=0.001)
    base = tiny_config(image_size=32)
    sample_grid = model_card.sample_grid
    patch.setattr(recipe, "RECIPES", {(32, gpu): base for gpu in (False, True)})
    patch.setattr(plan, "measure", lambda *args, **options: pace)
    for name, value in {"CLASSIFIED": 40, "CLASSIFIER_STEPS": 2, "LEAST_STEPS": 4, "LEAST_BATCHES": 4}.items():
        patch.setattr(plan, name, value)
    patch.setattr(model_card, "sample_grid", lambda pipeline, steps: sample_grid(pipeline, steps=2, columns=2))
    patch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap))


def run(command: list[str], log: Path, batches: int) -> None:
    """In the forked process: the command, with so many batches of the denoiser, each of which takes some time."""
    import torch

    from pdm.cli import main
    from pdm.making import plan, points
    from pdm.making.recipe import with_images
    from pdm.training.train import Trainer

    os.setsid()
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for handle, there in ((os.open(os.devnull, os.O_RDONLY), 0), (said, 1), (said, 2)):
        os.dup2(handle, there)
    sys.stdout, sys.stderr = (os.fdopen(there, "w", buffering=1) for there in (1, 2))
    torch.set_num_threads(1)
    patch = pytest.MonkeyPatch()
    patched(patch)
    step, grid = Trainer.train_step, Trainer.sample_grid

    def slow(self, *given):
        time.sleep(STEP)
        return step(self, *given)

    patch.setattr(plan, "with_images", lambda config, images: with_images(config, batches * config.optim.batch_size))
    patch.setattr(points, "EVERY", 0.1)
    patch.setattr(Trainer, "train_step", slow)
    patch.setattr(Trainer, "sample_grid", lambda self: grid(self, columns=2))
    os._exit(main(command))


class ForkedRuns(Runs):
    """Runs whose processes are such ones."""

    batches = 4

    def begin(self, command: list[str], log: Path) -> int:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.preloaded"])
        process = context.Process(target=run, args=([*command, "--device=cpu"], log, self.batches), daemon=True)
        process.start()
        self.started = process
        assert process.pid is not None
        return process.pid
