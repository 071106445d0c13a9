"""The Judge tab, a blind test."""
