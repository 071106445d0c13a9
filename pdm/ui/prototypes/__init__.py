"""The Prototypes tab: the map, the inspector and everything that edits, a part of the page in each file."""
