"""`python -m pdm evaluate`: samples of a pipeline beside real images, on a named feature net."""
