"""What every room uses and none is about: checks, files, devices, the hub, hashes, clocks."""
