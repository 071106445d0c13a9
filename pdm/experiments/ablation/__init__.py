"""`python -m pdm ablate`: the same net and images under other choices of the design."""
