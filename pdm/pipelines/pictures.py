"""What a pipeline's net paints, as pictures: pixels as they are, or latents behind an autoencoder that it owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from pdm.config import DEFAULT_GUIDANCE
from pdm.data.images import Picture, to_bytes
from pdm.model.denoiser import Denoiser
from pdm.model.guided import check_guide
from pdm.model.latents import LatentSpace
from pdm.pipelines.autoencoder import check_autoencoder
from pdm.pipelines.canvas import grid_of
from pdm.pipelines.checks import check_guidance, check_level, check_student_guidance, check_tiling
from pdm.pipelines.prepared import Prepared
from pdm.pipelines.saving import SafelySaved
from pdm.pipelines.start import as_seen
from pdm.sampling.beneath import Beneath
from pdm.support.checks import expect, is_number

LatentScale = Mapping[str, Any]  # "mean" and "scale" of the latents, a number a channel, see `LatentSpace`


class PicturePipeline(SafelySaved):
    """A pipeline whose sizes are all in pixels, whatever its net paints. The net never learns of an autoencoder."""

    denoiser: Denoiser
    guide: Denoiser | None  # an earlier one, which guidance leads away from: see `Guided`
    autoencoder: Any  # diffusers' AutoencoderTiny, or None where the net paints pixels

    if TYPE_CHECKING:

        @property
        def config(self) -> Any: ...

    def register_painting(
        self,
        guidance_scale: float,
        tiling: str,
        autoencoder: Any = None,
        latents: LatentScale | None = None,
        guided_above: float = 0.0,
        student_guidance: float = DEFAULT_GUIDANCE,
    ) -> None:
        """What both pipelines are made with besides a net and its conditions. Raises ValueError for what is none."""
        check_guide(self.denoiser, self.guide)
        self.register_modules(autoencoder=autoencoder)
        self.register_to_config(
            guidance_scale=check_guidance(guidance_scale),
            guided_above=check_level(guided_above),
            student_guidance=check_student_guidance(student_guidance),
            tiling=check_tiling(tiling),
            latents=_checked_scale(self.denoiser, autoencoder, latents),
        )
        self._space: LatentSpace | None = None

    @property
    def space(self) -> LatentSpace | None:
        """Where the net paints, None for pixels."""
        if self.autoencoder is None:
            return None
        if self._space is None or self._space.autoencoder is not self.autoencoder:
            self._space = LatentSpace(self.autoencoder, **self.config.latents)
        return self._space

    @property
    def factor(self) -> int:
        """Pixels a side that one number of the net's stands for."""
        space = self.space
        return 1 if space is None else space.factor

    @property
    def image_size(self) -> int:
        """Side of the net's own pictures, in pixels."""
        return self.denoiser.config.image_size * self.factor

    @property
    def channels(self) -> int:
        """Of a picture: 1 in grey, 3 in colour."""
        space = self.space
        return self.denoiser.config.channels if space is None else space.picture_channels

    def grid(self, tiling: str | None = None) -> int:
        """Height and width of a canvas must be multiples of this, in pixels; `tiling`: the model's own for None."""
        return grid_of(self.denoiser, tiling or self.config.tiling) * self.factor

    @property
    def attended(self) -> int:
        """How many pixels wide a place is at the finest level that attends to tokens."""
        return self.denoiser.attended[0] * self.factor

    @property
    def seen_size(self) -> int:
        """Side of pictures as features are taken of them: f_phi's, or those of the memory's own encoder."""
        part: Any = getattr(self, "bank", None) or getattr(self, "encoder", None)  # without either, CLIP
        return self.image_size if part is None else min(part.config.image_size, self.image_size)

    def seen(self, image: Picture) -> torch.Tensor:
        """A picture as features are taken of it: (1, C, H, W) in [-1, 1]."""
        return as_seen(image, self.seen_size, self.channels)

    def painted_beneath(self, beneath: Beneath) -> Beneath:
        """A picture to start from and what is kept of it, as the net's numbers are."""
        space = self.space
        if space is None:
            return beneath
        keep = beneath.keep if beneath.keep is None else F.avg_pool2d(beneath.keep[None], space.factor)[0]
        return replace(beneath, picture=space.encode(beneath.picture), keep=keep)

    def pictures(self, clean: torch.Tensor, ready: Prepared | None = None, *, glimpse: bool = False) -> torch.Tensor:
        """What a step expects (B, C, H, W) as pictures, uint8 on the CPU: decoded, if the net paints latents.

        `ready`: what it was painted from. What was kept of a picture of one's own is put back as it was, which no
        autoencoder does. `glimpse`: about the same for a preview, in a quarter of the time.
        """
        space = self.space
        if space is None:
            return to_bytes(clean.cpu())
        if glimpse:
            decoded = space.glimpse(clean)
        else:
            decoded = space.decode(clean, wraps=ready is not None and _wraps(ready, clean))
        if ready is not None and ready.over is not None:
            decoded = ready.over.kept(decoded)
        return to_bytes(decoded)


def _wraps(ready: Prepared, clean: torch.Tensor) -> bool:
    """Whether a canvas goes on over its edges: seen beyond them, or through windows that lie across them."""
    windows = ready.windows
    if windows is None:
        return False
    across = max(windows.tops) + windows.height > clean.shape[2] or max(windows.lefts) + windows.width > clean.shape[3]
    return windows.margin > 0 or across


def _checked_scale(denoiser: Denoiser, autoencoder: Any, latents: LatentScale | None) -> dict[str, list[float]] | None:
    """Mean and scale for each of the latents' channels; raises ValueError unless autoencoder, scale and net agree."""
    if autoencoder is None:
        expect("latents", latents, "nothing without an autoencoder", latents is None)
        return None
    check_autoencoder(autoencoder)
    ours, channels = denoiser.config.channels, autoencoder.config.latent_channels
    expect("autoencoder: latent_channels", channels, f"{ours}, as the denoiser paints", channels == ours)
    fits = isinstance(latents, Mapping) and set(latents) == {"mean", "scale"}
    fits = fits and all(isinstance(v, list | tuple) and len(v) == channels for v in latents.values())  # type: ignore
    fits = fits and all(is_number(m, -1e6, 1e6) for m in latents["mean"])  # type: ignore[index]
    fits = fits and all(is_number(s, 1e-6, 1e6) for s in latents["scale"])  # type: ignore[index]
    expect("latents", latents, f"mean and scale of {channels} channels", fits)
    return {name: list(latents[name]) for name in ("mean", "scale")}  # type: ignore[index]
