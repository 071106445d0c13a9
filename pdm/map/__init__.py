"""The map: the features of images laid out on a plane, and the pictures that its points stand for."""
