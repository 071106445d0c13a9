"""Prototype diffusion: a denoiser conditioned on learned prototypes, with no external memory."""
