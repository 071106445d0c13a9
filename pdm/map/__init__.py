"""The map: features on a plane, laid out once or again, and one's way found on it."""
