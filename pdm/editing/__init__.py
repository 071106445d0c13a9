"""Prototype sets as values, and the edits that make one of another."""
