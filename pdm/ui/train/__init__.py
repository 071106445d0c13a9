"""The Train tab: a model of the images in a folder of this machine, made by a process of its own."""
