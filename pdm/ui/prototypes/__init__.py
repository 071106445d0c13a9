"""The Prototypes tab: the map, the inspector and everything that edits."""
