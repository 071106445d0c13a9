"""Nearest neighbours in a memory of any size: in RAM, in mapped files, in this process or on a server."""
