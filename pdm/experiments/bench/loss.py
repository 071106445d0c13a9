"""The benchmark's section on what a condition tells: the denoising loss of held-out images under several of them."""

from __future__ import annotations

import torch

from pdm.config import DiffusionConfig
from pdm.data.images import to_unit
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.model.conditioning import Condition, from_neighbours, from_vectors, null_condition
from pdm.model.denoiser import Denoiser, loss_weight, sample_sigmas
from pdm.model.encoders import embed_all

BATCH = 100


@torch.no_grad()
def loss(bench: Bench) -> tuple[Numbers, dict]:
    """EDM's loss on test images, all at the same noise: without a condition, and with what each method attends to."""
    images = bench.test.images[: bench.pick(2000, 40)]
    x, n, pdm, rdm = to_unit(images), len(images), bench.pdm, bench.rdm
    generator = torch.Generator().manual_seed(0)
    config = DiffusionConfig()
    sigma, noise = sample_sigmas(config, n, generator), torch.randn(x.shape, generator=generator)
    weight = loss_weight(config, sigma)

    def mean_loss(denoiser: Denoiser, condition: Condition) -> float:
        total = 0.0
        for rows in torch.arange(n).split(BATCH):
            noisy = x[rows] + sigma[rows, None, None, None] * noise[rows]
            where = denoiser.device
            clean = denoiser(noisy.to(where), sigma[rows].to(where), condition[rows].to(where)).float().cpu()
            total += (weight[rows] * (clean - x[rows]).square().mean((1, 2, 3))).sum().item()
        return total / n

    z, vectors = embed_all(pdm.bank.encode, images), pdm.bank.vectors
    ids, weights = pdm.bank.mixture(z)
    one = torch.ones(n, 1)
    found, _ = rdm.memory.search(embed_all(rdm.embedder.embed, images), rdm.config.neighbours)
    neighbours = from_neighbours(rdm.memory.vectors(found), found)
    numbers: Numbers = {
        "loss.pdm_null": mean_loss(pdm.denoiser, null_condition(n, vectors.shape[1])),
        "loss.pdm_nearest": mean_loss(pdm.denoiser, from_vectors(vectors, ids[:, :1], one)),
        "loss.pdm": mean_loss(pdm.denoiser, from_vectors(vectors, ids, weights)),
        "loss.pdm_feature": mean_loss(pdm.denoiser, from_vectors(z, torch.arange(n)[:, None], one)),
        "loss.rdm": mean_loss(rdm.denoiser, neighbours),
    }
    return numbers, {"images": n, "split": "test", "seed": 0}
