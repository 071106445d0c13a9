"""`python -m pdm bench`: speed, memory, storage, whether edits are obeyed: a section a file, and the bars."""
