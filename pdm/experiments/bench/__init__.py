"""`python -m pdm bench`: its sections, each in the file of its subject, and the bars that they have to reach."""
