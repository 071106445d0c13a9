"""The one denoiser: a diffusers UNet with cross-attention behind a preconditioning; knows neither bank nor memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from pdm.config import DiffusionConfig, NetConfig
from pdm.model.attention import WeightedAttention
from pdm.model.conditioning import NULL, Condition
from pdm.model.local import Grid, Shares, by_region, region_norms, shares_of
from pdm.model.part import Part
from pdm.support.checks import shown

Denoise = Callable[[torch.Tensor, torch.Tensor, Condition], torch.Tensor]  # (x, sigma, condition) -> clean


def chain_sigmas(steps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> torch.Tensor:
    """Noise levels (steps,) of a linear-beta chain: sigma = sqrt((1 - alpha_bar) / alpha_bar), ascending."""
    alpha_bar = np.cumprod(1.0 - np.linspace(beta_start, beta_end, steps, dtype=np.float64))
    return torch.from_numpy(np.sqrt((1 - alpha_bar) / alpha_bar)).float()


class Denoiser(Part):
    """D(x; sigma, condition): the clean image expected behind x = clean + sigma * noise.

    x: (B, C, H, W); sigma: (B,); returns (B, C, H, W), all at data scale [-1, 1].
    Preconditioning "edm" or "vp": Karras et al. 2022, Table 1; "x": the net gives the image itself (JiT, 2511.13720).
    """

    sigmas: torch.Tensor  # of the chain, for "vp" alone

    @register_to_config
    def __init__(
        self,
        channels: int = 1,
        image_size: int = 32,
        token_dim: int = 128,
        patch: int = 2,
        block_out_channels: tuple[int, ...] = (64, 128, 128),
        layers_per_block: int = 1,
        attention_levels: tuple[int, ...] = (1, 2),
        heads: int = 2,
        norm_groups: int = 32,
        preconditioning: str = "edm",
        sigma_data: float = 0.5,
        chain_steps: int = 2000,
        time_in_token: bool = False,
    ):
        super().__init__()
        levels = range(len(block_out_channels))
        if image_size % (patch * 2 ** (len(levels) - 1)):
            raise ValueError(
                f"image_size: expected a multiple of {patch * 2 ** (len(levels) - 1)} for this net, got {image_size}"
            )
        self.unet = UNet2DConditionModel(
            sample_size=image_size // patch,
            in_channels=channels * patch**2,
            out_channels=channels * patch**2,
            block_out_channels=tuple(block_out_channels),
            layers_per_block=layers_per_block,
            down_block_types=tuple("CrossAttnDownBlock2D" if i in attention_levels else "DownBlock2D" for i in levels),
            up_block_types=tuple(
                "CrossAttnUpBlock2D" if i in attention_levels else "UpBlock2D" for i in reversed(levels)
            ),
            mid_block_type="UNetMidBlock2DCrossAttn",
            cross_attention_dim=token_dim,
            attention_head_dim=heads,  # diffusers' name for the number of heads
            norm_num_groups=norm_groups,
        )
        region_norms(self.unet)
        self.unet.set_attn_processor(cast(Any, WeightedAttention()))  # diffusers lists its own kinds alone
        self.null_token = nn.Parameter(torch.zeros(token_dim))
        if preconditioning == "vp":
            self.register_buffer("sigmas", chain_sigmas(chain_steps), persistent=False)
        elif preconditioning not in ("edm", "x"):
            raise ValueError(f"preconditioning: expected 'edm', 'x' or 'vp', got {shown(preconditioning)}")

    def precondition(self, sigma: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """c_skip, c_out, c_in, c_noise of Karras et al. 2022, Table 1, for sigma (B,); "x" skips nothing."""
        if self.config.preconditioning == "vp":
            index = torch.searchsorted(self.sigmas, sigma.float().clamp(self.sigmas[0], self.sigmas[-1]))
            lower = self.sigmas[(index - 1).clamp(min=0)]
            nearest = torch.where(
                (sigma - lower).abs() < (self.sigmas[index] - sigma).abs(), (index - 1).clamp(min=0), index
            )
            return torch.ones_like(sigma), -sigma, (sigma**2 + 1).rsqrt(), nearest.float()
        s = self.config.sigma_data
        total = sigma**2 + s**2
        if self.config.preconditioning == "x":
            return torch.zeros_like(sigma), torch.ones_like(sigma), total.rsqrt(), 250 * sigma.log()
        # c_noise is log(sigma) / 4; times 1000 because diffusers' sinusoids expect steps of a chain, not units.
        return s**2 / total, sigma * s * total.rsqrt(), total.rsqrt(), 250 * sigma.log()

    def forward(
        self,
        x: torch.Tensor,
        sigma: torch.Tensor,
        condition: Condition,
        record: list[torch.Tensor] | None = None,
        kept: dict | None = None,
    ) -> torch.Tensor:
        c_skip, c_out, c_in, c_noise = self.precondition(sigma)
        tokens, log_weights = self.context(condition, c_noise)
        if condition.places is not None:
            log_weights = self.by_level(condition, x.shape[2:])
        image = lambda c: c[:, None, None, None]  # noqa: E731
        dtype = self.null_token.dtype  # `self.dtype` walks through all modules, a millisecond a step
        h = F.pixel_unshuffle((image(c_in) * x).to(dtype), self.config.patch)
        grids = self.grids(x.shape[2:])
        if grids is not None:  # on a CPU convolutions of a large canvas take a third less time like this
            h = h.contiguous(memory_format=torch.channels_last)
        kwargs = {"log_weights": log_weights, "record": record, "kept": kept, "grids": grids}
        with by_region(None if grids is None else self.regions(condition, x.shape[2:], grids, kept) or {}):
            h = self.unet(h, c_noise, tokens.to(dtype), cross_attention_kwargs=kwargs, return_dict=False)[0]
        out = F.pixel_shuffle(h, self.config.patch).float()
        return image(c_skip) * x + image(c_out) * out  # Eq. (7), Karras et al. 2022

    @property
    def grid(self) -> int:
        """Height and width of a picture must be multiples of this, in pixels."""
        return self.config.patch * 2 ** (len(self.config.block_out_channels) - 1)

    @property
    def attended(self) -> tuple[int, ...]:
        """How many pixels wide a place is at each level that attends to tokens, the finest first."""
        levels = {*self.config.attention_levels, len(self.config.block_out_channels) - 1}
        return tuple(self.config.patch * 2**level for level in sorted(levels))

    @property
    def wants_clipping(self) -> bool:
        """Whether samplers should keep to the range of images, as in Ho et al. 2020.

        The published chain ends at sigma = 22,000, where an error of a thousandth in epsilon is one of 22 in the image.
        """
        return self.config.preconditioning == "vp"

    def at_fixed_condition(self) -> Denoise:
        """The denoiser for the steps of one sampling, in which the condition stays as it is at the first call.

        Its tokens' keys and values are then worked out once, unless the tokens change with the noise level.
        """
        return self if self.config.time_in_token else partial(self, kept={})

    def context(self, condition: Condition, c_noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens (B, M, D) with null rows filled in, and their log-weights (B, M)."""
        null = condition.is_null[:, None]
        absent = null | (condition.ids == NULL)
        tokens = torch.where(absent[..., None], self.null_token.to(condition.tokens.dtype), condition.tokens)
        if self.config.time_in_token:
            time = get_timestep_embedding(c_noise, tokens.shape[-1])
            tokens = tokens + time[:, None].to(tokens.dtype)
        first = F.one_hot(torch.zeros_like(condition.ids[:, 0]), condition.ids.shape[1])
        weights = torch.where(null, first.to(condition.weights.dtype), condition.weights)
        return tokens, weights.float().log()

    def regions(
        self, condition: Condition, size: Sequence[int], grids: dict[int, Grid], kept: dict | None = None
    ) -> dict[tuple[int, int], Shares] | None:
        """Whose each place of a large canvas is, by the size of a level: what norms and self-attention keep apart.

        `kept` holds it from one call to the next.
        """
        if condition.places is None:
            return None
        of, found = (kept or {}).get("regions", (None, None))
        if of is not condition.places:
            places = [self.config.patch * 2**level for level in range(len(self.config.block_out_channels))]
            levels = [(size[0] // place, size[1] // place) for place in places]
            found = shares_of(condition.places.float(), levels, grids, self.null_token.dtype)
            if kept is not None:
                kept["regions"] = condition.places, found
        return found

    def grids(self, size: Sequence[int]) -> dict[int, Grid] | None:
        """Height, width and the own side of each level that attends, by its number of places, on a large canvas."""
        own = self.config.image_size
        if max(size) <= own:
            return None
        grids = [(size[0] // place, size[1] // place, own // place) for place in self.attended]
        return {height * width: (height, width, side) for height, width, side in grids}

    def by_level(self, condition: Condition, size: Sequence[int]) -> dict[int, torch.Tensor]:
        """Log-weights (B, places, M) of a condition with places, by the number of places of each level that attends.

        `size`: height and width of the picture. A place of a coarser level has the mean of those that it covers.
        """
        assert condition.places is not None
        null_first = F.one_hot(torch.zeros_like(condition.ids[:, 0]), condition.ids.shape[1])[..., None, None]
        places = torch.where(condition.is_null[:, None, None, None], null_first, condition.places.float())
        found = {}
        for place in self.attended:
            grid = size[0] // place, size[1] // place
            found[grid[0] * grid[1]] = F.adaptive_avg_pool2d(places, grid).flatten(2).mT.log()  # (B, places, M)
        return found


def build_denoiser(net: NetConfig, diffusion: DiffusionConfig, *, channels: int, size: int, token_dim: int) -> Denoiser:
    """The denoiser a configuration describes, freshly initialised."""
    return Denoiser(
        channels=channels,
        image_size=size,
        token_dim=token_dim,
        patch=net.patch,
        block_out_channels=net.block_out_channels,
        layers_per_block=net.layers_per_block,
        attention_levels=net.attention_levels,
        heads=net.heads,
        norm_groups=net.norm_groups,
        preconditioning=diffusion.preconditioning,
        sigma_data=diffusion.sigma_data,
        chain_steps=diffusion.chain_steps,
        time_in_token=diffusion.time_in_token,
    )


def sample_sigmas(config: DiffusionConfig, batch: int, generator: torch.Generator) -> torch.Tensor:
    """Training noise levels (B,): log-normal for "edm" and "x", uniform over the chain for "vp"."""
    if config.preconditioning == "vp":
        steps = torch.randint(config.chain_steps, (batch,), generator=generator, device=generator.device)
        return chain_sigmas(config.chain_steps).to(steps.device)[steps]
    normal = torch.randn(batch, generator=generator, device=generator.device)
    return (normal * config.P_std + config.P_mean).exp()


def loss_weight(config: DiffusionConfig, sigma: torch.Tensor) -> torch.Tensor:
    """lambda(sigma): unit weight on the target of "vp", which is the published epsilon loss, and of "edm".

    "x" takes EDM's weight too: the target is the image, but what matters at each noise level is the same.
    """
    if config.preconditioning == "vp":
        weight = sigma**-2
    else:
        weight = (sigma**2 + config.sigma_data**2) / (sigma * config.sigma_data) ** 2
    return weight if config.weight_cap is None else weight.clamp(max=config.weight_cap)
