"""RDM's static encoders: CLIP from the hub, or a small self-supervised one that this project trains and ships.

Neither is f_phi: a retrieval baseline's encoder is fixed before the denoiser is trained and knows no prototypes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import nn

from pdm.data import augment
from pdm.data.images import to_unit
from pdm.model.features import ConvEncoder, contrastive_loss, fitted, unit
from pdm.model.part import Part
from pdm.support.device import autocast
from pdm.support.hashing import weights_hash
from pdm.support.hub import quiet_hub

CLIP_HUB = "openai/clip-vit-base-patch32"
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
LARGEST = 2048  # pixels a side


class StaticEncoder(Part):
    """Images (B, C, H, W) in [-1, 1] -> unit embeddings (B, E), trained by contrasting views (SimCLR).

    `image_size`: the side that larger ones are made small to.
    """

    can_embed_text = False

    @register_to_config
    def __init__(self, channels: int = 1, dim: int = 128, width: int = 32, image_size: int = LARGEST):
        super().__init__()
        self.encoder = ConvEncoder(channels, dim, width)

    @property
    def dim(self) -> int:
        return self.config.dim

    @torch.no_grad()
    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return unit(self.encoder(fitted(x, self.config.image_size)))


class ClipEncoder:
    """CLIP ViT-B/32: unit embeddings (B, 512) of images or texts. Raises ValueError where the hub is out of reach."""

    can_embed_text = True
    dim = 512

    def __init__(self, source: str = CLIP_HUB):
        from transformers import AutoTokenizer, CLIPModel

        try:
            with quiet_hub():
                self.model = CLIPModel.from_pretrained(source).eval()
                self.tokenizer = AutoTokenizer.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"CLIP {source!r}: expected a hub id that can be reached or a local folder; "
                "use the project's own encoder (--encoder own) where there is no network"
            ) from error

    @torch.no_grad()
    def embed(self, x: torch.Tensor) -> torch.Tensor:
        side: int = cast(Any, self.model.config).vision_config.image_size
        x = F.interpolate(x.expand(-1, 3, -1, -1), size=(side, side), mode="bicubic", antialias=True)
        mean, std = (torch.tensor(v)[None, :, None, None] for v in (CLIP_MEAN, CLIP_STD))
        return unit(_features(self.model.get_image_features(pixel_values=((x + 1) / 2 - mean) / std)))

    @torch.no_grad()
    def embed_text(self, texts: list[str]) -> torch.Tensor:
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        return unit(_features(self.model.get_text_features(**tokens)))


def _features(output) -> torch.Tensor:
    """transformers 5 wraps the projected features in an output object, 4 returns them bare."""
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def encoder_name(encoder: StaticEncoder | None, clip: str | None) -> str:
    """What a large memory calls its encoder: the hash of its weights, or CLIP's source."""
    return f"own {weights_hash({'encoder': encoder})}" if encoder is not None else str(clip)


@torch.no_grad()
def embed_all(encode: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, batch: int = 500) -> torch.Tensor:
    """Embeddings (N, E) of uint8 images (N, C, H, W), in batches, where the images are."""
    return torch.cat([encode(to_unit(images[i : i + batch])).float() for i in range(0, len(images), batch)])


def train_static_encoder(
    images: torch.Tensor,
    *,
    dim: int,
    steps: int,
    batch: int,
    width: int = 32,
    symmetry: str = "none",
    views: str = "moves",
    seed: int = 0,
    learning_rate: float = 1e-3,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> StaticEncoder:
    """Train the small encoder on uint8 images (N, C, H, W), where they are, without labels; it ends on the CPU.

    The projection head is thrown away.
    """
    device = images.device
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    model = StaticEncoder(channels=images.shape[1], dim=dim, width=width, image_size=images.shape[-1])
    head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 64)).to(device)
    model.to(device)
    parameters = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    precision = autocast(device)  # asked once: on a CPU the answer is read from a file
    for step in range(steps):
        x = to_unit(images[torch.randint(len(images), (batch,), generator=generator, device=device)])
        with precision:
            z1, z2 = (head(model.encoder(augment.view(x, generator, symmetry, views))) for _ in range(2))
        loss = contrastive_loss(unit(z1.float()), unit(z2.float()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        report(step, loss.item())
    return model.eval().cpu()
