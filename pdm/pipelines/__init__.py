"""Diffusers pipelines: a condition from prototypes or from a memory, painted by one denoiser; and their files."""
