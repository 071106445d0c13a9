"""The nets that presets name: how wide and deep a denoiser is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetConfig:
    """A UNet behind a pixel-unshuffle: `patch` 2 turns (C, 32, 32) into (4C, 16, 16), a quarter of the work."""

    block_out_channels: tuple[int, ...]
    layers_per_block: int
    attention_levels: tuple[int, ...]  # levels with cross-attention besides the bottleneck; 0 is the finest
    patch: int = 2
    heads: int = 2
    norm_groups: int = 32


# The published net has 36 M parameters; "small" is what two CPU cores train at about 190 images/s.
NETS: dict[str, NetConfig] = {
    "tiny": NetConfig(block_out_channels=(16, 32), layers_per_block=1, attention_levels=(1,), heads=2, norm_groups=8),
    "small": NetConfig(block_out_channels=(64, 128, 128), layers_per_block=1, attention_levels=(1, 2)),
    "base": NetConfig(block_out_channels=(96, 192, 192), layers_per_block=2, attention_levels=(1, 2), heads=4),
    "paper": NetConfig(
        block_out_channels=(128, 256, 256, 256), layers_per_block=2, attention_levels=(), patch=1, heads=4
    ),
    "cifar10-32": NetConfig((64, 128, 192), layers_per_block=1, attention_levels=(1, 2), patch=1, heads=4),  # 10.9 M
    "cifar10-32-cpu": NetConfig((64, 64, 64), layers_per_block=1, attention_levels=(2,), heads=4),  # 1.9 M
    # For latents of 4 x 16 x 16, pictures of 128 px: 10 M parameters. Behind patches of 2 x 2 it learns more images a
    # second than half as many parameters do without.
    "latent-128": NetConfig((128, 192), layers_per_block=1, attention_levels=(1,), patch=2, heads=4),
    # A grid of 16 x 16 behind patches of 4 x 4, for nets that give the clean image: 9.5 M parameters.
    "patches-64": NetConfig((96, 128, 160), layers_per_block=1, attention_levels=(1, 2), patch=4, heads=4),
    # The same with half the channels, for what guidance is to lead away from: 2.5 M.
    "guide-64": NetConfig((48, 64, 80), layers_per_block=1, attention_levels=(1, 2), patch=4, heads=4, norm_groups=16),
}
