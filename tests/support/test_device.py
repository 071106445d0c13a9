"""The device that denoises, its precision, and that every condition gets there."""

import pytest
import torch

from pdm.model.conditioning import Condition
from pdm.sampling.solvers import denoise, make_scheduler
from pdm.support import device as devices
from pdm.support.device import autocast, cpu_has_bf16, fastest_dtype, pick_device, training_precision
from tests.tiny import SIZE, GaussianDenoiser, random_condition


@pytest.fixture
def machine(monkeypatch):
    """Pretend that this machine has an accelerator, or none."""

    def pretend(cuda: bool, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    "cuda, mps, expected",
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_cuda_then_mps_then_the_cpu(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert pick_device("auto").type == pick_device().type == expected


def test_a_named_device_is_taken_even_where_a_faster_one_is_there(machine):
    machine(True, True)
    assert [pick_device(name).type for name in ("cpu", "mps", "cuda")] == ["cpu", "mps", "cuda"]


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(machine, name):
    machine(False, False)
    with pytest.raises(ValueError, match=rf"^device: expected one that is there \(cpu\), got '{name}'; use 'auto'"):
        pick_device(name)


@pytest.mark.parametrize("name", ["", "tpu", "cuda:0", "CPU"])
def test_an_unknown_device_is_refused_with_the_names_there_are(name):
    with pytest.raises(ValueError, match=f"^device: expected one of auto, cuda, mps, cpu, got '{name}'"):
        pick_device(name)


@pytest.mark.parametrize("built_for_it", [True, False])
def test_an_older_gpu_takes_float16_and_a_newer_one_bfloat16(monkeypatch, built_for_it):
    def supported(including_emulation=True):
        return built_for_it or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    gpu = torch.device("cuda")
    assert fastest_dtype(gpu) == (torch.bfloat16 if built_for_it else torch.float16)
    assert training_precision(gpu) == ("bf16" if built_for_it else "fp16")


def test_mps_paints_in_float16_and_learns_in_float32():
    mps = torch.device("mps")
    assert fastest_dtype(mps) == torch.float16 and training_precision(mps) == "no"


@pytest.mark.parametrize("built_for_it", [True, False])
def test_small_nets_learn_in_bfloat16_only_where_a_cpu_does_not_emulate_it(monkeypatch, built_for_it):
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: built_for_it)
    cpu, x = torch.device("cpu"), torch.ones(2, 2)
    with autocast(cpu):
        assert (x @ x).dtype == (torch.bfloat16 if built_for_it else torch.float32)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("processor: 0\nflags\t\t: fpu avx512f avx512_bf16 sse\n", True),
        ("flags\t\t: fpu amx_bf16\n", True),
        ("flags\t\t: fpu avx512f avx2\n", False),
        ("flags\t\t: fpu avx512_bf16_maybe\n", False),
        ("model name\t: a CPU with avx512_bf16 in its name\nflags\t\t: fpu\n", False),
        ("Features\t: asimd bf16\n", False),
        (None, False),
    ],
)
def test_a_cpu_takes_bfloat16_only_where_its_flags_say_so(monkeypatch, tmp_path, text, expected):
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(devices, "Path", lambda path: tmp_path / "cpuinfo")
    assert cpu_has_bf16() is expected
    assert fastest_dtype(torch.device("cpu")) == (torch.bfloat16 if expected else torch.float32)


def test_a_condition_drawn_anew_at_each_step_is_brought_to_the_denoisers_device():
    moved = []

    class Elsewhere(Condition):
        def to(self, device):
            moved.append(torch.device(device).type)
            return super().to(device)

    def draw(step: int) -> Condition:
        c = random_condition(2, seed=step)
        return Elsewhere(c.tokens, c.weights, c.ids, c.is_null)

    list(denoise(GaussianDenoiser(), make_scheduler("euler"), torch.randn(2, 1, SIZE, SIZE), draw, steps=3))
    assert moved == ["cpu"] * 3
