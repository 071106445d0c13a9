"""The Results tab: figures and tables of what was measured."""
