"""The Compare tab: the methods of a model side by side, from the same seeds."""
