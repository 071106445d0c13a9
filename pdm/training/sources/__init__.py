"""Where training conditions come from: prototypes that learn beside the denoiser, a fixed memory, or nothing."""
