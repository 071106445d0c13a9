"""Measurements that make up the results: benchmark, curves, ablation and their report."""
