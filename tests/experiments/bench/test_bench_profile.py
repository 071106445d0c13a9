"""What a batch's time is made of: operators by kind, and the rest."""

import pytest
import torch

from pdm.experiments.bench.bench import Bench
from pdm.experiments.bench.profile import KINDS, OTHER, OUTSIDE, batch_profile, kind_of, shares_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aten::mkldnn_convolution", "convolutions"),
        ("aten::addmm", "matrices"),
        ("aten::mm", "matrices"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::native_group_norm", "norms"),
        ("aten::silu", "activations"),
        ("aten::copy_", OTHER),
    ],
)
def test_operators_are_told_apart_by_their_names(name, kind):
    assert kind_of(name) == kind


def test_shares_sum_to_one_and_what_no_operator_took_is_outside():
    shares = shares_of([("aten::conv2d", 2.0), ("aten::mm", 1.0), ("aten::copy_", 1.0), ("profiler", 9.0)], 8.0)
    assert shares["convolutions"] == 0.25 and shares["matrices"] == 0.125 and shares[OTHER] == 0.125
    assert shares[OUTSIDE] == 0.5 and sum(shares.values()) == 1


def test_a_batch_of_a_real_pipeline_spends_time_in_convolutions_and_matrices(saved):
    numbers, settings = batch_profile(Bench(saved, "none", torch.device("cpu"), quick=True))
    assert set(numbers) == {f"profile.{kind}" for kind in (*KINDS, OTHER, OUTSIDE, "kept_keys")}
    assert numbers["profile.convolutions"] > 0.01 and numbers["profile.matrices"] > 0.001
    assert 0.2 < numbers["profile.kept_keys"] < 5 and settings["steps"] == 2
