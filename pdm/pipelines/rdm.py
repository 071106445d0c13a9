"""`RDMPipeline`: pictures from the neighbours that a query has in a memory. The baseline."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS
from pdm.data.images import Picture, to_unit
from pdm.model.conditioning import Condition, from_neighbours, null_condition
from pdm.model.denoiser import Denoiser
from pdm.model.encoders import ClipEncoder, StaticEncoder, encoder_name
from pdm.pipelines.base import ConditionedPipeline, Found, Prepared, PrototypeDiffusionOutput, StepCallback
from pdm.pipelines.checks import (
    DEFAULT_TILING,
    Generators,
    check_generators,
    check_prototypes,
    check_sampling,
    one_condition,
)
from pdm.pipelines.pictures import LatentScale
from pdm.pipelines.regions import Regions, Weights, painted
from pdm.pipelines.start import Start
from pdm.retrieval.large_memory import LargeMemory
from pdm.retrieval.memory import Memory
from pdm.sampling.solvers import Interval, Scheduler
from pdm.support.checks import expect, is_number, is_text, whole


class RDMPipeline(ConditionedPipeline):
    """Images from the nearest neighbours in a memory (Blattmann et al. 2022), the baseline.

    `encoder` is the project's own static encoder, or None when `clip` names the CLIP model the memory was made with.
    """

    _optional_components = ["encoder", "student", "guide", "autoencoder"]

    def __init__(
        self,
        denoiser: Denoiser,
        memory: Memory,
        scheduler: Scheduler,
        encoder: StaticEncoder | None = None,
        clip: str | None = None,
        neighbours: int = 4,
        top_m: float = 0.01,
        student: Denoiser | None = None,
        guidance_scale: float = DEFAULT_GUIDANCE,
        tiling: str = DEFAULT_TILING,
        autoencoder: Any = None,
        latents: LatentScale | None = None,
        guide: Denoiser | None = None,
        guided_above: float = 0.0,
        student_guidance: float = DEFAULT_GUIDANCE,
    ):
        super().__init__()
        whole("neighbours", neighbours, 1, 1000)
        expect("top_m", top_m, "a share above 0 and up to 1", is_number(top_m, 0, 1) and top_m > 0)
        expect("clip", clip, "a name or nothing", clip is None or is_text(clip, 1000))
        nets = {"denoiser": denoiser, "student": student, "guide": guide}
        self.register_modules(memory=memory, scheduler=scheduler, encoder=encoder, **nets)
        self.register_to_config(clip=clip, neighbours=neighbours, top_m=top_m)
        self.register_painting(guidance_scale, tiling, autoencoder, latents, guided_above, student_guidance)
        self._clip: ClipEncoder | None = None
        self.large_memory: LargeMemory | None = None  # what to search instead of the model's own memory

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path,
        *,
        large_memory: str | os.PathLike | None = None,
        index: str = "exact",
        **kwargs,
    ) -> RDMPipeline:
        """As in diffusers; `large_memory`: the folder of one to use instead of the model's own; `index`: see
        `pdm.retrieval.index.make_index`. Raises ValueError for a memory made with another encoder.
        """
        pipeline = super().from_pretrained(pretrained_model_name_or_path, **kwargs)
        pipeline.search_in(large_memory, index)
        return pipeline

    def search_in(self, large_memory: str | os.PathLike | None, index: str = "exact") -> None:
        """From now on retrieve from the large memory in a folder, or from the model's own (None), by an index."""
        if large_memory is not None:
            found, ours = LargeMemory(Path(large_memory)), encoder_name(self.encoder, self.config.clip)
            if found.card["encoder"] != ours:
                raise ValueError(
                    f"memory {large_memory}: expected one made with this model's encoder ({ours}), got one made with "
                    f"{found.card['encoder']}"
                )
            self.large_memory = found
        else:
            self.large_memory = None
        self.searched.use_index(index)

    @property
    def searched(self) -> Memory | LargeMemory:
        """The memory that neighbours come from."""
        return self.memory if self.large_memory is None else self.large_memory

    @property
    def embedder(self) -> StaticEncoder | ClipEncoder:
        """The encoder of the memory; CLIP is loaded on first use."""
        if self.encoder is not None:
            return self.encoder
        if self._clip is None:
            self._clip = ClipEncoder(self.config.clip)
        return self._clip

    def find(
        self,
        generators: list[torch.Generator],
        *,
        image: Picture | None = None,
        text: str | None = None,
        entries: int | Sequence[int] | None = None,
        neighbours: int | None = None,
        top_m: float | None = None,
        unconditional: bool = False,
    ) -> tuple[Condition, torch.Tensor]:
        """A condition row per generator and the neighbours' distances (B, k).

        Queries: an image, a text (its embedding replaces the first neighbour), given entries of the memory, or
        pseudo-queries from the most popular entries.
        """
        one_condition(image=image, text=text, entries=entries, unconditional=unconditional)
        memory = self.searched
        n, k = len(generators), self.config.neighbours if neighbours is None else neighbours
        if unconditional:
            return null_condition(n, memory.dim), torch.zeros(n, 1)
        text_token = None
        if text is not None:
            text_token = self._embedded_text(text)
            queries = text_token.repeat(n, 1)
        elif image is not None:
            queries = self.embedder.embed(self.seen(image).to(self.memory.embeddings.device)).repeat(n, 1)
        else:
            if entries is None:
                rows = memory.pseudo_queries(generators, self.config.top_m if top_m is None else top_m)
            else:
                rows = torch.tensor(check_prototypes(entries, None, len(memory), "entries")[0])
                rows = rows.repeat(math.ceil(n / len(rows)))[:n]
            queries = memory.vectors(rows)
        ids, distances = memory.search(queries, k)
        vectors = memory.vectors(ids)
        if text_token is not None:
            vectors[:, 0] = text_token.cpu()
            ids[:, 0] = -1
        return from_neighbours(vectors, ids), distances

    def regional(
        self,
        generators: list[torch.Generator],
        regions: Regions,
        *,
        neighbours: int | None = None,
        top_m: float | None = None,
    ) -> Condition:
        """A condition row per generator: each region has the neighbours of its entries, as a whole picture would.

        The ground "table" has the neighbours of a pseudo-query. `entries_like` finds entries for pictures.
        """

        def mixed(ids: list[int], weights: Weights) -> Condition:
            ids, shares = check_prototypes(ids, weights, len(self.searched), "entries")
            found = [self.find(generators, entries=[i], neighbours=neighbours)[0] for i in ids]
            if len(found) == 1:
                return found[0]
            tokens, rows = (torch.cat([getattr(c, name) for c in found], 1) for name in ("tokens", "ids"))
            parts = torch.cat([share * c.weights for c, share in zip(found, shares, strict=True)], 1)
            return Condition(tokens, parts, rows, found[0].is_null)

        def ground(name: str) -> Condition:
            return self.find(generators, neighbours=neighbours, top_m=top_m, unconditional=name == "null")[0]

        return painted(regions, mixed=mixed, ground=ground, attended=self.attended)

    @torch.no_grad()
    def entries_like(self, images: torch.Tensor) -> list[int]:
        """The entry of the memory that is nearest to each image, uint8 (B, C, H, W): what a region may name here.

        With a picture of each prototype a canvas of `PDMPipeline` becomes one of this pipeline.
        """
        return self.searched.search(self.embedder.embed(to_unit(images)), 1)[0][:, 0].tolist()

    def _embedded_text(self, text: str) -> torch.Tensor:
        """The embedding (1, E) of a text; raises ValueError where the memory's encoder reads none."""
        if not self.embedder.can_embed_text:
            raise ValueError("text: expected a memory made with CLIP, got one made with the project's own encoder")
        return self.embedder.embed_text([text])

    @torch.no_grad()
    def __call__(
        self,
        *,
        image: Picture | None = None,
        text: str | None = None,
        entries: int | Sequence[int] | None = None,
        neighbours: int | None = None,
        top_m: float | None = None,
        unconditional: bool = False,
        num_images: int = 1,
        generator: Generators = None,
        num_inference_steps: int = DEFAULT_STEPS,
        guidance_scale: float | None = None,
        guidance_interval: Interval | None = None,
        sampler: str | None = None,
        regions: Regions | None = None,
        height: int | None = None,
        width: int | None = None,
        tiling: str | None = None,
        tileable: bool = False,
        ground: Picture | None = None,
        keep: torch.Tensor | None = None,
        strength: float = 1.0,
        noise: torch.Tensor | None = None,
        angle: float = 0.0,
        callback_on_step_end: StepCallback | None = None,
        output_type: str = "pil",
    ) -> PrototypeDiffusionOutput:
        """Generate from the neighbours of an image, a text, entries, regions, or pseudo-queries. Raises ValueError.

        `regions` holds entries of the memory by place; the rest as in `PDMPipeline`.
        """
        generators = check_generators(generator, num_images)
        check_sampling(num_inference_steps, self.own_guidance(guidance_scale), guidance_interval)
        ready = self.prepare(
            generators,
            image=image,
            text=text,
            entries=entries,
            neighbours=neighbours,
            top_m=top_m,
            unconditional=unconditional,
            guidance_scale=guidance_scale,
            regions=regions,
            height=height,
            width=width,
            tiling=tiling,
            tileable=tileable,
            start=Start(ground, keep, strength, noise, angle),
        )
        return self._painted(ready, num_inference_steps, guidance_interval, sampler, output_type, callback_on_step_end)

    def prepare(
        self,
        generators: list[torch.Generator],
        *,
        image: Picture | None = None,
        text: str | None = None,
        entries: int | Sequence[int] | None = None,
        neighbours: int | None = None,
        top_m: float | None = None,
        unconditional: bool = False,
        guidance_scale: float | None = None,
        regions: Regions | None = None,
        height: int | None = None,
        width: int | None = None,
        tiling: str | None = None,
        tileable: bool = False,
        start: Start | None = None,
    ) -> Prepared:
        """What a sampling needs, one picture a generator; the rest is as in `__call__`."""
        one_condition(regions=regions, image=image, text=text, entries=entries, unconditional=unconditional)

        def find() -> Found:
            if regions is not None:
                condition = self.regional(generators, regions, neighbours=neighbours, top_m=top_m)
                return Found(condition, self.own_guidance(guidance_scale))
            condition, distances = self.find(
                generators,
                image=image,
                text=text,
                entries=entries,
                neighbours=neighbours,
                top_m=top_m,
                unconditional=unconditional,
            )
            return Found(condition, self.own_guidance(guidance_scale), distances)

        canvas = self.canvas(regions, height=height, width=width, tiling=tiling, tileable=tileable)
        return self.prepare_with(generators, find, canvas, start)

    @torch.no_grad()
    def condition_like(self, images: torch.Tensor, own: torch.Tensor) -> tuple[Condition, torch.Tensor]:
        """A condition row for each image, uint8 (B, C, H, W), as in training, and its neighbours' distances (B, k).

        `own` (B,): the row of the training set that each image is, whose entry is left out; it would be the answer.
        """
        embeddings = self.embedder.embed(to_unit(images))
        ids = self.memory.neighbours_of(embeddings, own, self.config.neighbours)
        vectors = self.memory.embeddings[ids]
        return from_neighbours(vectors, ids), (embeddings[:, None] - vectors).norm(dim=-1)
