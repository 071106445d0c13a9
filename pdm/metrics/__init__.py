"""Metrics, one file each: arrays in, numbers out. They know no pipeline, no file and no feature net."""
