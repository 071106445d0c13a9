"""The nets: features, prototypes, the conditions made of them, and the denoiser that attends to these."""
