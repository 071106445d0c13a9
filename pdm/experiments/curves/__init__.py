"""`python -m pdm curves`: how time, quality and the cost of a lookup scale, a curve a file."""
