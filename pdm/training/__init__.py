"""Training: the loop and its checkpoints, the sources of conditions, and the tuning of a student."""
