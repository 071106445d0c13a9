"""What a run says of itself: losses by noise level, and the rate a device reaches."""

import pytest
import torch

from pdm.model.throughput import Speed, operations, operations_an_image, peak
from pdm.training.progress import LOSS_EVERY, NoiseLosses, Progress
from tests.tiny import tiny_denoiser

CPU = torch.device("cpu")


def test_losses_are_averaged_by_noise_level_and_start_afresh():
    losses = NoiseLosses(CPU)
    losses.add(torch.tensor([0.01, 0.1, 0.15]), torch.tensor([1.0, 2.0, 4.0]))
    losses.add(torch.tensor([9.0, 0.04]), torch.tensor([0.5, 3.0]))
    assert losses.means() == {"sigma < 0.05": 2.0, "sigma < 0.2": 3.0, "sigma > 3": 0.5}
    assert losses.take() == {"sigma < 0.05": 2.0, "sigma < 0.2": 3.0, "sigma > 3": 0.5}
    assert losses.take() == {}


def test_progress_averages_its_losses_and_survives_in_the_middle_of_a_line():
    whole, first = Progress(), Progress()
    for i in range(LOSS_EVERY + 3):
        whole.add(torch.tensor(float(i)), 8)
    for i in range(7):
        first.add(torch.tensor(float(i)), 8)
    second = Progress()
    second.load_state_dict(first.state_dict())
    for i in range(7, LOSS_EVERY + 3):
        second.add(torch.tensor(float(i)), 8)
    assert second.state_dict() == whole.state_dict()
    assert whole.losses == [[8 * LOSS_EVERY, (LOSS_EVERY - 1) / 2]] and whole.pending == [50.0, 51.0, 52.0]


def test_operations_are_those_of_the_formula():
    a, b = torch.randn(3, 5), torch.randn(5, 7)
    assert operations(lambda: a @ b) == 2 * 3 * 5 * 7
    assert operations_an_image(tiny_denoiser()) == 3 * operations(lambda: forward_one(tiny_denoiser()))


def forward_one(denoiser):
    from pdm.model.conditioning import null_condition

    with torch.no_grad():
        return denoiser(torch.zeros(1, 1, 16, 16), torch.ones(1), null_condition(1, 16))


def test_speed_is_images_over_the_time_since_it_started(monkeypatch):
    clock = iter([0.0, 100.0, 104.0])
    monkeypatch.setattr("pdm.model.throughput.time.monotonic", lambda: next(clock))
    speed = Speed(tiny_denoiser(), CPU, torch.float32)
    speed.start(1000)
    seen = speed.look(1800, devices=2)
    assert seen["images_per_s"] == 200
    reached = 200 * speed.operations
    assert seen["tflops"] == pytest.approx(reached / 1e12, abs=1e-4)
    assert seen["peak_share"] == pytest.approx(reached / 2 / peak(CPU, torch.float32), abs=1e-4)
