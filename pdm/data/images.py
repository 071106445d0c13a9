"""Images as uint8 tensors. This module alone knows what range their values have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image, ImageOps

from pdm.data.found import Found

MAX_PIXELS = 16_000_000  # of one image once it is decoded; larger ones are refused before that
Picture = Image.Image | np.ndarray | torch.Tensor  # what a pipeline takes for an image
HASHED = 1000  # images at a time
ORIENTATION = 0x0112  # the EXIF tag that says how a camera was held


@dataclass(frozen=True)
class ImageData:
    """A data set: `images` uint8 (N, C, H, W), perhaps in a file; `labels` int64 (N,), -1 where there are none.

    `places`: where each image was read, for messages (none where rows have no names). `found`: what reading found.
    """

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    class_names: tuple[str, ...]
    places: tuple[str, ...] = ()
    found: Found | None = None

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices: torch.Tensor | slice) -> ImageData:
        places = self.places
        if places:
            rows = range(len(places))[indices] if isinstance(indices, slice) else _rows(indices)
            places = tuple(places[i] for i in rows)
        return replace(self, images=self.images[indices], labels=self.labels[indices], places=places)

    def to(self, device: torch.device) -> ImageData:
        """The images as the bytes they are, and the labels, in the memory of a device."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def hash(self) -> str:
        """sha256 over shape, pixels and labels: names the exact data a model was trained on."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        for part in self.images.split(HASHED):
            digest.update(part.cpu().contiguous().numpy().tobytes())
        digest.update(self.labels.cpu().numpy().tobytes())
        return digest.hexdigest()


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 [0, 255] -> float32 [-1, 1]."""
    return images.float() / 127.5 - 1.0


def to_bytes(images: torch.Tensor) -> torch.Tensor:
    """float [-1, 1] -> uint8 [0, 255], rounded and clipped."""
    return ((images.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_pil(image: torch.Tensor) -> Image.Image:
    """One uint8 (C, H, W) tensor as a PIL image."""
    array = image.numpy()
    return Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0))


def flattened(image: Image.Image) -> Image.Image:
    """A picture of any mode upright, in grey or RGB, transparent parts black. Raises ValueError for one too large."""
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"image: expected at most {MAX_PIXELS} pixels, got {image.width}x{image.height}")
    image = upright(image)
    if image.mode.startswith("I;16"):  # Pillow would clip 16 bits at 255, not scale them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "I" and np.asarray(image).max() > 255:  # as older versions of Pillow open 16 bits
        image = Image.fromarray((np.asarray(image).clip(0, 65_535) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "P", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def from_pil(image: Image.Image, size: int | tuple[int, int], channels: int) -> torch.Tensor:
    """A picture of any mode and size as uint8 (channels, *size): upright, centre crop, then Lanczos.

    `size`: the side of a square, or height and width.
    """
    height, width = (size, size) if isinstance(size, int) else size
    image = flattened(image).convert("L" if channels == 1 else "RGB")
    if image.size == (28, 28) and (height, width) == (32, 32):
        image = _padded(image, 2)  # the way Fashion-MNIST itself is brought to 32x32
    scale = min(image.width / width, image.height / height)
    across, down = max(1, round(scale * width)), max(1, round(scale * height))
    left, top = (image.width - across) // 2, (image.height - down) // 2
    image = image.crop((left, top, left + across, top + down)).resize((width, height), Image.Resampling.LANCZOS)
    array = np.asarray(image)
    return torch.from_numpy(array[None].copy() if channels == 1 else array.transpose(2, 0, 1).copy())


def as_picture(image: Picture) -> Image.Image:
    """A PIL picture of an array (H, W), (H, W, 1 or 3) or a tensor (1 or 3, H, W), or one of those in a batch of one.

    Numbers are bytes, or lie in [0, 1]. Raises ValueError for anything else.
    """
    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, np.ndarray | torch.Tensor):
        raise ValueError(f"image: expected a PIL picture, an array or a tensor, got {type(image).__name__}")
    array = image.detach().cpu().float().numpy() if isinstance(image, torch.Tensor) else image
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    if isinstance(image, torch.Tensor) and array.ndim == 3:
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)) or not array.size:
        raise ValueError(f"image: expected one picture in grey or colour, got the shape {tuple(image.shape)}")
    if image.dtype not in (np.uint8, torch.uint8):
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):  # NaN is neither
            raise ValueError(f"image: expected bytes, or numbers from 0 to 1, got {low:g} to {high:g}")
        array = np.rint(array * 255.0)
    array = array.astype(np.uint8)
    return Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def upright(image: Image.Image) -> Image.Image:
    """A photo as it was seen, where its EXIF says that the camera was turned."""
    try:
        turned = image.getexif().get(ORIENTATION, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # damaged EXIF makes Pillow raise anything, and the pixels are whole all the same
        return image


def is_grey(image: Image.Image) -> bool:
    """Whether a picture has a grey scale and nothing else; a palette counts as colour."""
    return image.mode in ("L", "1", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def _rows(indices: torch.Tensor) -> list[int]:
    return (indices.nonzero()[:, 0] if indices.dtype == torch.bool else indices).tolist()


def _padded(image: Image.Image, border: int) -> Image.Image:
    padded = Image.new(image.mode, (image.width + 2 * border, image.height + 2 * border))
    padded.paste(image, (border, border))
    return padded
