"""What tests of tuning share: its options at a tiny scale, and a run that has its teacher's conditions."""

from dataclasses import replace
from pathlib import Path

import torch

from pdm.training.tune import TUNE_OPTIM, TuneConfig, Tuner, tune_config
from tests.tiny import banded

OPTIM = replace(TUNE_OPTIM, images=48, batch_size=8, warmup_images=0)


def config_of(teacher, **changes) -> TuneConfig:
    method, folder = teacher
    return tune_config(folder, method, **{"optim": OPTIM, "precision": "no", **changes})


def started(config: TuneConfig, folder: Path) -> Tuner:
    tuner = Tuner(config, banded(), folder, cpu=True)
    tuner.prepare_source()
    return tuner


def weights(net) -> torch.Tensor:
    return torch.cat([p.flatten() for p in net.state_dict().values()])
