"""Images as tensors: data sets, streams of those that do not fit into memory, and random views."""
